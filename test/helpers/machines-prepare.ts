import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Machine } from '../../src/lab/machines/machine.js';
import { buildKit } from '../../src/node/kit-build.js';
import { prepareScript } from '../../src/node/prepare-script.js';
import { parseAnswer } from '../../src/node/wire.js';
import type { Signer } from './machines-authority.js';

/** Prepares a machine as `edgectl node prepare` does, but without a network; with failpoints when a lab kit is asked for. */
export async function prepareMachine(
  machine: Machine,
  signer: Pick<Signer, 'fleet' | 'allowedSigners'>,
  options: { labKit?: boolean; mode?: 'install' | 'undo' } = {},
): Promise<void> {
  const builtAt = Math.floor(Date.now() / 1000);
  const kit = await buildKit({ init: 'systemd', lab: options.labKit === true, version: '0.1.0', builtAt });
  const authorizedKey = (await readFile(path.join(machine.record.dir, '..', 'id_ed25519.pub'), 'utf8')).trim();
  const script = await prepareScript({
    mode: options.mode ?? 'install',
    init: 'systemd',
    kit,
    node: machine.id,
    fleet: signer.fleet,
    allowedSigners: signer.allowedSigners,
    user: { name: 'edgectl', authorizedKey },
  });
  const result = await machine.exec(['sh', '-s'], { input: script });
  const answer = parseAnswer(Buffer.from(result.stdout));
  if (!answer.valid) throw new Error(`${machine.id}: ${answer.why}; ${result.stderr.slice(-800)}`);
  if (!answer.ok) throw new Error(`${machine.id}: ${answer.code}: ${answer.reason}; ${result.stderr.slice(-800)}`);
}
