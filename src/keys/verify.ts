import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { run } from '../process/run.js';
import { EdgectlError } from '../errors/error.js';
import { escapeForTerminal } from '../util/escape.js';
import type { Namespace } from './namespaces.js';
import { withPrivateDir } from '../util/private-dir.js';

/** A signature over a text, and who is allowed to make one. */
export interface VerifyRequest {
  namespace: Namespace;
  text: string;
  /** Armored signature. */
  signature: string;
  /** Path of an allowed_signers file. */
  allowedSigners: string;
  /** Where a private directory may be made; ssh-keygen reads signatures only from files. */
  tmpdir: string;
  /** The code to throw. */
  code?: 'BUNDLE_SIGNATURE' | 'PLAN_SIGNATURE';
}

/** Who signed. */
export interface Verified {
  principal: string;
  /** `ED25519 SHA256:…` */
  keyFingerprint: string;
}

/** Verifies as a node does: `ssh-keygen -Y find-principals`, then `-Y verify`. Throws BUNDLE_SIGNATURE (or `code`) with the reason. */
export async function verifyText(request: VerifyRequest): Promise<Verified> {
  if (!request.signature.startsWith('-----BEGIN SSH SIGNATURE-----'))
    throw refusal(request, '', 'it is missing or not an SSH signature');
  return withPrivateDir(request.tmpdir, async (dir) => {
    const file = path.join(dir, 'sig');
    await writeFile(file, request.signature, { mode: 0o600 });
    const common = ['-s', file, '-f', request.allowedSigners] as const;
    const found = await run(['ssh-keygen', '-Y', 'find-principals', ...common], { timeoutMs: 30_000 });
    const principal = found.stdout.split('\n')[0]?.split(',')[0] ?? '';
    if (found.status !== 0 || principal === '')
      throw refusal(request, found.stderr, 'its key is not among the allowed signers');
    const verified = await run(['ssh-keygen', '-Y', 'verify', ...common, '-I', principal, '-n', request.namespace], {
      input: request.text,
      timeoutMs: 30_000,
    });
    const good = /^Good "([^"]+)" signature for .+ with (\S+) key (SHA256:\S+)$/m.exec(verified.stdout);
    if (verified.status !== 0 || good?.[1] !== request.namespace) {
      throw refusal(
        request,
        `${verified.stdout}\n${verified.stderr}`,
        `it was not made for ${request.namespace} by ${principal}, or the text was changed`,
      );
    }
    return { principal, keyFingerprint: `${good[2]} ${good[3]}` };
  });
}

function refusal(request: VerifyRequest, output: string, reason: string): EdgectlError {
  const detail = output
    .split('\n')
    .map((line) => escapeForTerminal(line.trim()))
    .filter((line) => line !== '' && !line.includes('edgectl-'));
  return new EdgectlError(request.code ?? 'BUNDLE_SIGNATURE', {
    message: `The signature is refused: ${reason}.`,
    lines: detail.slice(0, 3),
    hint: 'edgectl keys show',
  });
}
