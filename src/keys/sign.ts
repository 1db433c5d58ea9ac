import type { RunResult } from '../process/run.js';
import { run } from '../process/run.js';
import { EdgectlError } from '../errors/error.js';
import type { Namespace } from './namespaces.js';
import type { SigningKey } from './signing-key.js';

/** What to sign, and with what. */
export interface SignRequest {
  namespace: Namespace;
  text: string;
  key: SigningKey;
  /** A terminal is there: ssh-keygen may ask for a passphrase, a PIN or a touch on standard error. */
  interactive?: boolean;
  /** Path of the ssh-agent's socket, when not the environment's. */
  agent?: string;
  signal?: AbortSignal;
}

const tenMinutesMs = 600_000;

/** Signs a text with `ssh-keygen -Y sign`; the armored signature (PROTOCOL.sshsig). Throws SIGNING_FAILED, TOOL_MISSING. */
export async function signText(request: SignRequest): Promise<string> {
  const { key } = request;
  // The terminal is given away only when somebody has to touch or type: ssh-keygen talks on it in any case.
  const touch = request.interactive === true && key.kind === 'fido';
  let result = await sign(request, touch);
  if (result.status !== 0 && request.interactive === true && !touch && /passphrase/i.test(result.stderr))
    result = await sign(request, true);
  const signature = result.stdout;
  if (result.status === 0 && signature.startsWith('-----BEGIN SSH SIGNATURE-----\n')) return signature;
  const said = result.stderr.trim().split('\n');
  const reason = said.filter((line) => !line.startsWith('Signing ')).at(-1) ?? '';
  throw new EdgectlError('SIGNING_FAILED', {
    message: `ssh-keygen could not sign with ${key.path}${reason === '' ? '' : `: ${reason}`}`,
    hint: hintFor(key, result.stderr),
    data: { key: key.path, fingerprint: key.fingerprint },
  });
}

async function sign(request: SignRequest, interactive: boolean): Promise<RunResult> {
  // Text on standard input gives the signature on standard output: nothing touches the disk.
  return await run(['ssh-keygen', '-Y', 'sign', '-f', request.key.path, '-n', request.namespace], {
    input: request.text,
    timeoutMs: tenMinutesMs,
    env: {
      ...(request.agent === undefined ? {} : { SSH_AUTH_SOCK: request.agent }),
      // Without a terminal there is nobody to ask: fail at once instead of opening a window somewhere.
      ...(interactive ? {} : { SSH_ASKPASS_REQUIRE: 'never', DISPLAY: undefined }),
    },
    ...(interactive ? { interactive: true } : {}),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
}

function hintFor(key: SigningKey, stderr: string): string {
  if (/UNPROTECTED PRIVATE KEY|bad permissions/i.test(stderr)) return `chmod 600 ${key.path}`;
  if (key.kind === 'agent') return 'is the agent there, and does it hold the key? See: ssh-add -l';
  if (/passphrase/i.test(stderr))
    return `the key has a passphrase: run on a terminal, or put it into an agent with ssh-add ${key.path}`;
  return 'edgectl keys show';
}
