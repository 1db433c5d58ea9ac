import { readdir } from 'node:fs/promises';
import { EdgectlError } from '../errors/error.js';
import { isRunning } from './daemon-process.js';
import type { LabLayout } from './layout.js';
import { readLabState } from './state.js';

/** Throws LAB_EXISTS when a lab is there already, USAGE when anything else is: `lab down` removes the whole directory. */
export async function requireVacant(layout: LabLayout): Promise<void> {
  const state = await readLabState(layout);
  if (state) {
    const up = state.kind === 'machines' || (state.daemon !== undefined && (await isRunning(state.daemon)));
    const message = up
      ? `A lab of ${state.nodes} nodes is up in ${layout.dir}.`
      : `What is left of a lab is in ${layout.dir}; it does not run.`;
    throw new EdgectlError('LAB_EXISTS', { message });
  }
  const entries = await readdir(layout.dir).catch(() => []);
  if (entries.length === 0) return;
  throw new EdgectlError('USAGE', {
    message: `${layout.dir} is not empty and holds no lab.`,
    hint: 'name a new directory with --dir',
  });
}
