import { EdgectlError } from '../../errors/error.js';
import { run } from '../../process/run.js';
import type { Fleet } from '../../fleet/types.js';
import type { Finding } from '../check.js';
import type { Computer, ComputerCheck, FleetCheck } from './check.js';

const timeoutMs = 10_000;

/** OpenSSH 8.1 has `ssh-keygen -Y sign`; FIDO keys came with 8.2. */
const leastOpenssh = 8.2;

/** Is ssh-keygen there, which signs every plan? */
export const signingToolCheck: ComputerCheck = {
  id: 'ssh-keygen',
  run: async (computer) => {
    // Without a file to look at it fails at once; that it was started is the answer.
    const absent = await missing(['ssh-keygen', '-l', '-f', '/dev/null'], computer);
    return absent ?? { state: 'ok', detail: 'plans can be signed' };
  },
};

/** Is OpenSSH there, and new enough? Only some nodes need it; `node shell` does. */
export const sshCheck: FleetCheck = {
  id: 'ssh',
  needsFleet: true,
  run: async (computer, fleet: Fleet) => {
    const users = fleet.nodes.filter(({ transport }) => transport === 'openssh').length;
    const absent = await missing(['ssh', '-V'], computer);
    if (absent !== undefined) {
      if (users > 0) return { ...absent, detail: `${absent.detail} ${users} nodes are reached with it.` };
      return { state: 'warn', detail: `${absent.detail} node shell needs it.`, hint: absent.hint };
    }
    const { stderr } = await run(['ssh', '-V'], { timeoutMs, env: { PATH: computer.env['PATH'] } });
    const version = /OpenSSH_(\d+\.\d+)/u.exec(stderr)?.[1];
    if (version === undefined) return { state: 'warn', detail: 'ssh does not say which version it is' };
    if (Number(version) >= leastOpenssh) return { state: 'ok', detail: `OpenSSH ${version}` };
    return { state: 'bad', detail: `OpenSSH ${version} is too old`, hint: 'install OpenSSH 8.2 or later' };
  },
};

async function missing(
  argv: readonly [string, ...string[]],
  { env }: Pick<Computer, 'env'>,
): Promise<Extract<Finding, { state: 'bad' }> | undefined> {
  try {
    await run(argv, { timeoutMs, env: { PATH: env['PATH'] } });
    return undefined;
  } catch (error) {
    if (!(error instanceof EdgectlError) || error.code !== 'TOOL_MISSING') throw error;
    return { state: 'bad', detail: error.message, hint: error.hint ?? `install ${argv[0]}` };
  }
}
