import { once } from 'node:events';
import { openPipe } from '../../process/pipe.js';
import type { Wire } from '../ssh/wire.js';
import type { TransportFailure } from '../types.js';
import { parseSshLog } from './classify.js';
import type { SshProgram, Way } from './ssh-program.js';

/** A wire to a host behind a chain of bastions, through `ssh -W` on the last one; open when the host has said its first bytes. */
export async function wireThrough(
  program: SshProgram,
  way: Way,
  to: { host: string; port: number; slot: () => void },
): Promise<Wire | TransportFailure> {
  const { host, port, slot } = to;
  const argv = ['ssh', '-F', way.configFile, '-E', way.log, '-W', `[${host}]:${port}`, way.alias] as const;
  const { stream, end } = openPipe([...argv], { LC_ALL: 'C', SSH_ASKPASS: undefined });
  // sshd speaks first (RFC 4253, 4.2), so that silence or an end here is the way's.
  const timer = setTimeout(() => stream.destroy(), program.limits.connectMs + program.limits.handshakeMs);
  const answered = await Promise.race([
    once(stream, 'readable').then(
      () => stream.readableLength > 0,
      () => false,
    ),
    once(stream, 'close').then(
      () => false,
      () => false,
    ),
  ]);
  clearTimeout(timer);
  if (!answered) {
    end();
    slot();
    const endpoint = { nodeId: '', host, port, user: '', identityFiles: [] };
    return program.explain(endpoint, parseSshLog(''), { cancelled: false, timedOut: false, stderr: '' }, way);
  }
  return {
    stream,
    where: `${host} port ${port} through ${way.bastion}`,
    lostBastion: () => undefined,
    crowded: () => false,
    gone: () => stream.destroyed,
    settled: () => undefined,
    drop: () => {
      end();
      slot();
    },
  };
}
