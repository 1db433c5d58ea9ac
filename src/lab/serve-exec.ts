import type { ChildProcess } from 'node:child_process';
import type { ServerChannel } from 'ssh2';

/**
 * Tie an SSH channel to a child process the way sshd does without a terminal: streams with backpressure both ways,
 * signals in, exit status or signal out, and a client that leaves closes the pipes but kills nothing.
 */
export function serveExec(channel: ServerChannel, child: ChildProcess): void {
  const { stdin, stdout, stderr } = child;
  let gone = false;
  // A process that stops reading (EPIPE) or a client that hangs up (reset) is an ordinary end, not a fault of the lab.
  for (const stream of [channel, channel.stderr, stdin, stdout, stderr]) stream?.on('error', () => undefined);
  if (stdin) channel.pipe(stdin);
  stdout?.pipe(channel, { end: false });
  stderr?.pipe(channel.stderr, { end: false });
  channel.on('close', () => {
    gone = true;
    stdin?.destroy();
    stdout?.destroy();
    stderr?.destroy();
  });
  child.once('error', (error) => {
    if (gone) return;
    channel.stderr.write(`edgectl lab: ${error.message}\n`);
    finish(channel, 127, null);
  });
  child.once('close', (code, signal) => {
    if (!gone) finish(channel, code, signal);
  });
}

/** Forward an SSH `signal` request (RFC 4254, 6.9) to a process; names come without the SIG prefix. */
export function forwardSignal(child: ChildProcess, name: string): void {
  if (/^(HUP|INT|QUIT|TERM|KILL|USR1|USR2)$/.test(name)) child.kill(`SIG${name}` as NodeJS.Signals);
}

function finish(channel: ServerChannel, code: number | null, signal: NodeJS.Signals | null): void {
  if (signal) channel.exit(signal.replace(/^SIG/, ''), false, '');
  else channel.exit(code ?? 1);
  channel.end();
}
