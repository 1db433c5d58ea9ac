import { EdgectlError } from '../../errors/error.js';
import type { ReportRequest } from './types.js';

/** Reads the values of `--report`. Throws USAGE. */
export function reportRequest(values: readonly string[]): ReportRequest {
  const request: ReportRequest = { github: false };
  for (const value of values) {
    const [kind, file] = [
      value.split('=', 1)[0],
      value.includes('=') ? value.slice(value.indexOf('=') + 1) : undefined,
    ];
    if (kind === 'github' && file === undefined) request.github = true;
    else if (kind === 'junit' && file !== undefined && file !== '') request.junit = file;
    else
      throw new EdgectlError('USAGE', {
        message: `--report cannot be ${JSON.stringify(value)}.`,
        hint: 'use --report junit=FILE or --report github',
      });
  }
  return request;
}
