import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type { Fleet } from '../../fleet/types.js';
import { findSigningKey } from '../../keys/signing-key.js';
import { signText } from '../../keys/sign.js';
import { secretTrustDir } from '../../keys/secret-trust.js';
import { sshEd25519Line } from '../../keys/sshsig.js';
import type { OperatorKeys } from '../../secrets/keys.js';
import type { Surroundings } from '../surroundings.js';

/** Tells nodes which keys approve policies and vouch for secrets, signed by a key that they trust for policies already. */
export interface TrustStatement {
  statement: string;
  signature: string;
}

/** The fleet's statement; made and kept in the repository when the keys are others than it says. Throws KEYS_NOT_FOUND, SIGNING_FAILED. */
export async function trustStatement(fleet: Fleet, keys: OperatorKeys, around: Surroundings): Promise<TrustStatement> {
  const file = path.join(secretTrustDir(fleet.dir), 'statement');
  const [text, signature] = await Promise.all([read(file), read(`${file}.sig`)]);
  const series = Number(/^series=(\d+)$/m.exec(text)?.[1] ?? 0);
  if (series > 0 && signature !== '' && text === statementText(fleet, keys, series))
    return { statement: text, signature };
  const key = await findSigningKey(around, fleet.id);
  const now = Math.floor(around.now() / 1000);
  const statement = statementText(fleet, keys, Math.max(now, series + 1));
  const agent = around.env['SSH_AUTH_SOCK'];
  const signed = await signText({
    namespace: 'edgectl-policy',
    text: statement,
    key,
    interactive: around.interactive,
    ...(agent === undefined ? {} : { agent }),
    signal: around.signal,
  });
  await mkdir(path.dirname(file), { recursive: true });
  await writeFileAtomic(file, statement);
  await writeFileAtomic(`${file}.sig`, signed);
  return { statement, signature: signed };
}

function statementText(fleet: Fleet, { trust }: OperatorKeys, series: number): string {
  const policy = trust.policy.export({ type: 'spki', format: 'der' }).toString('base64');
  return [
    'edgectl-secrets-trust=1',
    `fleet=${fleet.id}`,
    `manifest=${sshEd25519Line(trust.manifest)}`,
    `policy=${policy}`,
    `series=${series}`,
    '',
  ].join('\n');
}

async function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
