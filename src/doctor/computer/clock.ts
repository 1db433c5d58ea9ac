import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EdgectlError } from '../../errors/error.js';
import { journalFile } from '../../journal/paths.js';
import { run } from '../../process/run.js';
import type { Computer, FleetCheck } from './check.js';

const toleranceMs = 5 * 60_000;

/** Is the clock right? Signatures and validity of plans are dated by it. Nobody is asked: it may not be behind what was written here before. */
export const clockCheck: FleetCheck = {
  id: 'clock',
  needsFleet: true,
  run: async (computer, fleet) => {
    const files = [join(fleet.dir, 'fleet.yaml'), journalFile(fleet.id, computer.env, computer.home)];
    const times = await Promise.all(
      files.map(async (file) => ({ file, at: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 })),
    );
    const later = times.find(({ at }) => at > computer.now + toleranceMs);
    if (later !== undefined)
      return {
        state: 'bad',
        detail: `it is ${new Date(computer.now).toISOString()} here, and ${later.file} was written at ${new Date(later.at).toISOString()}`,
        hint: 'set the clock (timedatectl set-ntp true), or touch the file when the clock is right',
      };
    const synchronised = await askSystemd(computer);
    if (synchronised === 'no')
      return {
        state: 'warn',
        detail: 'it is set by nobody (NTP is off or has not answered)',
        hint: 'timedatectl set-ntp true',
      };
    return { state: 'ok', detail: synchronised === 'yes' ? 'set by NTP' : 'not behind what was written here before' };
  },
};

async function askSystemd({ env }: Computer): Promise<string | undefined> {
  try {
    const argv = ['timedatectl', 'show', '--property=NTPSynchronized', '--value'] as const;
    const { status, stdout } = await run(argv, { timeoutMs: 5000, env: { PATH: env['PATH'] } });
    return status === 0 ? stdout.trim() : undefined;
  } catch (error) {
    if (error instanceof EdgectlError && error.code === 'TOOL_MISSING') return undefined;
    throw error;
  }
}
