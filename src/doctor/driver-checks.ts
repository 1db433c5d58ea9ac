import type { Driver } from '../bundle/drivers/schema.js';
import type { NodeClient } from '../node/client.js';
import { escapeForTerminal, oneLine } from '../util/escape.js';
import type { CheckResult } from './check.js';

/** What a driver is tried with on a node: the distribution's own build, where the driver would adopt it. */
export interface DriverTest {
  client: NodeClient;
  node: string;
  driver: Driver;
  signal: AbortSignal;
}

/**
 * Tries a driver on a node without changing anything there: is what it adopts present, does its version probe print a version, do its health
 * probes pass with the distribution's build, does the unit keep what the driver needs? Runs as the login, so a probe that needs root may fail.
 */
export async function testDriver({ client, node, driver, signal }: DriverTest): Promise<CheckResult[]> {
  const exec = async (argv: readonly string[]): Promise<{ status: number | null; said: string }> => {
    const result = await client.exec(node, { argv, timeoutMs: 30_000, maxOutput: 64 * 1024, signal });
    if (!result.ok) return { status: null, said: result.message };
    return {
      status: result.status,
      said: oneLine(`${result.stdout.toString('utf8')}\n${result.stderr.toString('utf8')}`),
    };
  };
  const results: CheckResult[] = [];
  const found = new Map<string, string>();
  for (const { to, from } of driver.adopt) {
    for (const path of from) {
      if (found.has(to) || (await exec(['test', '-f', path])).status !== 0) continue;
      found.set(to, path);
    }
    const optional = driver.files.find((file) => file.to === to)?.optional === true;
    const where = found.get(to);
    if (where !== undefined) results.push({ id: `adopt ${to}`, state: 'ok', detail: where });
    else if (optional)
      results.push({ id: `adopt ${to}`, state: 'warn', detail: `not there (optional): ${from.join(', ')}` });
    else
      results.push({
        id: `adopt ${to}`,
        state: 'bad',
        detail: `not there: ${from.join(', ')}`,
        hint: 'install the distribution’s package on the node, or add its path to adopt',
      });
  }
  const prefix = `$ACTIVE/${driver.component}/files/`;
  const resolve = (word: string): string | undefined =>
    word.startsWith(prefix) ? found.get(word.slice(prefix.length)) : word.includes('$') ? undefined : word;
  const probe = async (id: string, argv: readonly string[], good: (said: string) => boolean): Promise<void> => {
    const words = argv.map(resolve);
    if (words.includes(undefined)) {
      results.push({ id, state: 'skipped', detail: `not looked at: ${argv.join(' ')} needs what is not there` });
      return;
    }
    const { status, said } = await exec(words as string[]);
    const detail = `${words.join(' ')}: ${said === '' ? `status ${String(status)}` : said}`;
    if (status === 0 && good(said)) results.push({ id, state: 'ok', detail: escapeForTerminal(detail) });
    else
      results.push({
        id,
        state: 'bad',
        detail: escapeForTerminal(detail),
        hint: `correct ${id.split(' ')[0]} in ${driver.component}.yaml`,
      });
  };
  await probe('version', driver.version.probe, (said) => /\d+\.\d+/u.test(said));
  for (const [index, argv] of driver.health.entries()) await probe(`health ${index + 1}`, argv, () => true);
  if (driver.service !== undefined) results.push(await unitCheck(driver.service, exec));
  return results;
}

async function unitCheck(
  { unit, killMode }: NonNullable<Driver['service']>,
  exec: (argv: readonly string[]) => Promise<{ status: number | null; said: string }>,
): Promise<CheckResult> {
  const show = async (property: string): Promise<{ status: number | null; said: string }> =>
    await exec(['systemctl', 'show', `--property=${property}`, '--value', unit]);
  const [loaded, kill] = [await show('LoadState'), await show('KillMode')];
  const id = 'service';
  if (loaded.status !== 0)
    return {
      id,
      state: 'bad',
      detail: `systemctl show ${unit}: ${loaded.said}`,
      hint: 'only nodes that run systemd have services',
    };
  if (loaded.said !== 'loaded')
    return {
      id,
      state: 'bad',
      detail: `${unit} is ${loaded.said}`,
      hint: `install what brings ${unit}, or correct service.unit`,
    };
  if (killMode !== undefined && kill.said !== killMode)
    return {
      id,
      state: 'bad',
      detail: `${unit} has KillMode=${kill.said}, the driver needs ${killMode}`,
      hint: `systemctl edit ${unit}: [Service] KillMode=${killMode}`,
    };
  return { id, state: 'ok', detail: `${unit} is loaded, KillMode=${kill.said}` };
}
