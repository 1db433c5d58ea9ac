import { selectNodes } from './select-nodes.js';
import type { DesiredRuntime, Fleet } from './types.js';

/**
 * The proxy through which the bundle of a line of runtimes.yaml is fetched: that of the sites of its nodes, when all of them have the same one.
 * Undefined leaves it to the environment; null is "directly".
 */
export function proxyOf(
  fleet: Pick<Fleet, 'nodes' | 'sites'>,
  runtime: Pick<DesiredRuntime, 'on'>,
): string | null | undefined {
  const nodes = runtime.on === '' ? fleet.nodes : selectNodes(fleet, runtime.on);
  const said = new Set([...new Set(nodes.map(({ site }) => site))].map((site) => fleet.sites?.get(site)?.proxy));
  const [proxy] = said;
  if (said.size !== 1 || proxy === undefined) return undefined;
  return proxy === 'direct' ? null : proxy;
}

/** An environment in which everything goes through this proxy, or directly; as it is when nothing is said. */
export function environmentOf<Env extends Readonly<Record<string, string | undefined>>>(
  env: Env,
  proxy: string | null | undefined,
): Readonly<Record<string, string | undefined>> {
  if (proxy === undefined) return env;
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY'].flatMap((name) => [name, name.toLowerCase()]);
  const kept = Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
  return proxy === null ? kept : { ...kept, http_proxy: proxy, https_proxy: proxy };
}
