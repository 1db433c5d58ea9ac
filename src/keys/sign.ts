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
  // Text on standard input gives the signature on standard output: nothing touches the disk.
  const result = await run(['ssh-keygen', '-Y', 'sign', '-f', key.path, '-n', request.namespace], {
    input: request.text,
    timeoutMs: tenMinutesMs,
    env: {
      ...(request.agent === undefined ? {} : { SSH_AUTH_SOCK: request.agent }),
      // Without a terminal there is nobody to ask: fail at once instead of opening a window somewhere.
      ...(request.interactive === true ? {} : { SSH_ASKPASS_REQUIRE: 'never', DISPLAY: undefined }),
    },
    ...(request.interactive === true ? { interactive: true } : {}),
    ...(request.signal === undefined ? {} : { signal: request.signal }),
  });
  const signature = result.stdout;
  if (result.status === 0 && signature.startsWith('-----BEGIN SSH SIGNATURE-----\n')) return signature;
  const reason =
    result.stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Signing '))
      .at(-1) ?? '';
  throw new EdgectlError('SIGNING_FAILED', {
    message: `ssh-keygen could not sign with ${key.path}${reason === '' ? '' : `: ${reason}`}`,
    hint: hintFor(key, result.stderr),
    data: { key: key.path, fingerprint: key.fingerprint },
  });
}

function hintFor(key: SigningKey, stderr: string): string {
  if (/UNPROTECTED PRIVATE KEY|bad permissions/i.test(stderr)) return `chmod 600 ${key.path}`;
  if (key.kind === 'agent') return 'is the agent there, and does it hold the key? See: ssh-add -l';
  if (/passphrase/i.test(stderr))
    return `the key has a passphrase: run on a terminal, or put it into an agent with ssh-add ${key.path}`;
  return 'edgectl keys show';
}
