import { EdgectlError } from '../../errors/error.js';
import type { ComputerCheck } from './check.js';

/** Can the settings files be read? (Every command reads them.) */
export const settingsCheck: ComputerCheck = {
  id: 'settings',
  run: async ({ settings }) => {
    try {
      const files = await settings();
      return { state: 'ok', detail: files.length === 0 ? 'defaults and environment only' : files.join(', ') };
    } catch (error) {
      if (!(error instanceof EdgectlError)) throw error;
      return { state: 'bad', detail: error.message, hint: error.hint ?? 'correct the file that is named' };
    }
  },
};
