import { spawn } from 'node:child_process';
import type { NodeClient } from '../../src/node/client.js';
import { parseAnswer } from '../../src/node/wire.js';
import type { KitAnswer } from '../../src/node/types.js';

/** The way to a site that is this machine: scripts go to a real shell, as sshd would hand them to it. */
export function localSite(
  shell: readonly string[],
  env: Record<string, string> = {},
): Pick<NodeClient, 'runScript' | 'exec'> & { away: boolean } {
  const site = {
    away: false,
    runScript: async (_node: string, script: string): Promise<KitAnswer> => {
      if (site.away) return { kind: 'unreachable', mayHaveActed: false, message: 'no route' };
      const { stdout, stderr } = await piped([...shell, '-s'], Buffer.from(script), env);
      const answer = parseAnswer(stdout);
      if (!answer.valid)
        return { kind: 'protocol', mayHaveActed: true, message: `${answer.why}: ${stderr.toString('utf8')}` };
      const { lines } = answer;
      return answer.ok ? { kind: 'ok', lines } : { kind: 'refused', code: answer.code, reason: answer.reason, lines };
    },
    exec: async (_node: string, request: Parameters<NodeClient['exec']>[1]) => {
      const result = await piped(request.argv, request.stdin ?? Buffer.alloc(0), env);
      return { ok: true as const, truncated: false, ...result };
    },
  };
  return site;
}

async function piped(
  [program = 'sh', ...args]: readonly string[],
  input: Uint8Array | AsyncIterable<Uint8Array>,
  env: Record<string, string>,
): Promise<{ status: number | null; stdout: Buffer; stderr: Buffer }> {
  const child = spawn(program, args, { env: { PATH: process.env['PATH'], ...env }, stdio: ['pipe', 'pipe', 'pipe'] });
  const [out, err]: [Buffer[], Buffer[]] = [[], []];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  child.stdin.on('error', () => undefined);
  // Not `close`: a detached runner may hold a pipe for a moment longer.
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  if (input instanceof Uint8Array) child.stdin.end(input);
  else {
    try {
      for await (const chunk of input)
        if (!child.stdin.write(chunk)) await new Promise((go) => child.stdin.once('drain', go));
      child.stdin.end();
    } catch (error) {
      child.kill();
      await ended;
      throw error;
    }
  }
  const status = await ended;
  return { status, stdout: Buffer.concat(out), stderr: Buffer.concat(err) };
}
