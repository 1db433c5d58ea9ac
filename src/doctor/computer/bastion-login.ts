import type { Fleet } from '../../fleet/types.js';
import { openNodes } from '../../node/open.js';
import { hopOf } from '../../node/target.js';
import type { TransportFailure } from '../../transport/types.js';

/** Log in to a bastion through those before it, and ask for the limit of open files there; undefined when it runs no commands. */
export async function logInToBastion(
  fleet: Fleet,
  name: string,
  options: { env: Readonly<Record<string, string | undefined>>; signal?: AbortSignal },
): Promise<{ openFiles: number | undefined } | TransportFailure> {
  const chain = fleet.nodes.map(({ via }) => via).find((via) => via.some((bastion) => bastion.name === name)) ?? [];
  const at = chain.findIndex((bastion) => bastion.name === name);
  const operator = { agent: options.env['SSH_AUTH_SOCK'], home: options.env['HOME'] };
  const hops = chain.slice(0, at + 1).map((bastion) => hopOf(fleet, bastion, operator));
  const last = hops.pop();
  if (last === undefined) throw new RangeError(`no node goes through ${name}`);
  const signal = options.signal === undefined ? {} : { signal: options.signal };
  const { transport, close } = openNodes(fleet, { env: options.env });
  try {
    const connected = await transport.connect({ ...last, via: hops }, signal);
    if (!connected.ok) return connected;
    const argv = ['sh', '-c', 'ulimit -n'];
    const asked = await connected.session.exec({ argv, timeoutMs: 15_000, maxOutput: 1024, ...signal });
    const limit = asked.ok && asked.status === 0 ? Number(asked.stdout.toString('ascii').trim()) : Number.NaN;
    return { openFiles: Number.isSafeInteger(limit) ? limit : undefined };
  } finally {
    await close();
  }
}
