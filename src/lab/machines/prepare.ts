import { readFile } from 'node:fs/promises';
import { EdgectlError } from '../../errors/error.js';
import { buildKit } from '../../node/kit-build.js';
import { prepareScript } from '../../node/prepare-script.js';
import { parseAnswer } from '../../node/wire.js';
import { oneLine } from '../../util/escape.js';
import type { Machine } from './machine.js';

/** What the machines are told about their fleet. */
export interface MachinePreparation {
  fleetId: string;
  /** Version that the kit says of itself. */
  version: string;
  /** Login of edgectl's own, with the public key that it lets in. */
  user: string;
  authorizedKey: string;
  /** File with the fleet's allowed_signers. */
  signersFile: string;
  now: () => Date;
}

/** Puts the kit on a machine as `node prepare` does: the same script as root, but through the machine's own door. */
export async function prepareMachine(machine: Machine, fleet: MachinePreparation): Promise<void> {
  const builtAt = Math.floor(fleet.now().getTime() / 1000);
  const script = await prepareScript({
    mode: 'install',
    init: 'systemd',
    kit: await buildKit({ init: 'systemd', lab: false, version: fleet.version, builtAt }),
    node: machine.id,
    fleet: fleet.fleetId,
    allowedSigners: await readFile(fleet.signersFile, 'utf8'),
    user: { name: fleet.user, authorizedKey: fleet.authorizedKey },
  });
  const result = await machine.exec(['sh', '-s'], { input: script, timeoutMs: 120_000 });
  const answer = parseAnswer(Buffer.from(result.stdout));
  if (answer.valid && answer.ok) return;
  const why = answer.valid ? answer.reason : `${answer.why}; ${oneLine(result.stderr)}`;
  throw new EdgectlError('LAB_UNSUPPORTED', { message: `${machine.id} cannot be prepared: ${why}` });
}
