import { EdgectlError } from '../../errors/error.js';
import { run } from '../../process/run.js';
import { oneLine } from '../../util/escape.js';
import type { DynamicSource } from './declaration.js';

/** Bytes that a program may print. */
const mostOutput = 16 * 1024 * 1024;

/**
 * Runs a program in the fleet repository and returns the JSON text that it printed. Bounded in time and size. Throws
 * SOURCE_FAILED with its last words.
 */
export async function runSource(dir: string, source: DynamicSource): Promise<string> {
  const [program, ...args] = source.argv;
  const result = await run([program, ...args], { cwd: dir, timeoutMs: source.timeoutMs, maxOutput: mostOutput });
  const said = oneLine(result.stderr.trim().split('\n').at(-1) ?? '');
  const failed = (what: string): EdgectlError =>
    new EdgectlError('SOURCE_FAILED', {
      message: `${source.file}: ${source.argv.join(' ')} ${what}`,
      lines: said === '' ? [] : [said],
    });
  if (result.truncated) throw failed(`printed more than ${mostOutput >> 20} MiB`);
  if (result.timedOut) throw failed(`was not done after ${source.timeoutMs / 1000} s`);
  if (result.status !== 0) throw failed(`ended with ${result.status ?? 'a signal'}`);
  return result.stdout;
}

/** JSON as the schemas want it: every scalar is text, as in fleet.yaml. Throws SOURCE_FAILED when it is no JSON. */
export function textsOf(name: string, json: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? oneLine(error.message) : '';
    throw new EdgectlError('SOURCE_FAILED', { message: `${name} did not print JSON: ${why}` });
  }
  return scalarsToText(value);
}

function scalarsToText(value: unknown): unknown {
  if (value === null) return '';
  if (Array.isArray(value)) return value.map(scalarsToText);
  if (typeof value !== 'object') return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, scalarsToText(entry)]));
}
