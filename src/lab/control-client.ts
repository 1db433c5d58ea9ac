import { createConnection } from 'node:net';
import { EdgectlError } from '../errors/error.js';
import type { ControlAnswer, ControlRequest } from './control-protocol.js';
import { maxControlLine } from './control-protocol.js';

/** Ask the lab's daemon something; rejects with `LAB_NOT_FOUND` when it does not run, `NODE_NOT_FOUND` for an unknown node. */
export async function askLab(socketPath: string, request: ControlRequest, timeoutMs = 60_000): Promise<unknown> {
  const answer = await exchange(socketPath, `${JSON.stringify(request)}\n`, timeoutMs);
  if (answer.ok) return answer.result;
  throw new EdgectlError(answer.code, {
    message: answer.message,
    ...(answer.code === 'NODE_NOT_FOUND' ? { hint: 'edgectl lab status' } : {}),
  });
}

function exchange(path: string, line: string, timeoutMs: number): Promise<ControlAnswer> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    const chunks: Buffer[] = [];
    let size = 0;
    const fail = (message: string, cause?: unknown): void => {
      socket.destroy();
      reject(new EdgectlError('LAB_NOT_FOUND', { message, cause, hint: 'edgectl lab down, then edgectl lab up' }));
    };
    socket.setTimeout(timeoutMs, () =>
      fail(`The lab's daemon did not answer within ${Math.round(timeoutMs / 1000)} s.`),
    );
    socket.once('error', (cause) => fail('The lab’s daemon does not run.', cause));
    socket.once('connect', () => socket.write(line));
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size > maxControlLine) fail('The lab’s daemon answered too much.');
      else if (chunk.includes(10)) {
        socket.end();
        resolve(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ControlAnswer);
      }
    });
    socket.once('end', () => fail('The lab’s daemon closed the connection without an answer.'));
  });
}
