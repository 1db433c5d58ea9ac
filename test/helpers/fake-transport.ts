import type { ExecRequest, ExecResult, Target, Transport, TransportFailure } from '../../src/transport/types.js';

/** One command that a fake node was given, with all of its standard input. */
export interface FakeCommand {
  target: Target;
  argv: readonly string[];
  stdin: Buffer;
  fresh: boolean;
}

/** What a fake node does with a command. */
export type FakeAnswer = ExecResult | { status?: number | null; stdout?: string; stderr?: string; truncated?: boolean };

/** A transport without a network: the test answers every command. `connect` may refuse a target. */
export function fakeTransport(
  answer: (command: FakeCommand) => FakeAnswer | Promise<FakeAnswer>,
  refuse: (target: Target) => TransportFailure | undefined = () => undefined,
): Transport & { commands: FakeCommand[]; open: number } {
  const transport = {
    commands: [] as FakeCommand[],
    open: 0,
    async connect(target: Target, options: { fresh?: boolean } = {}) {
      const failure = refuse(target);
      if (failure !== undefined) return failure;
      transport.open += 1;
      return {
        ok: true as const,
        session: {
          nodeId: target.nodeId,
          exec: async (request: ExecRequest): Promise<ExecResult> => {
            const command = {
              target,
              argv: request.argv,
              stdin: await bytesOf(request.stdin),
              fresh: options.fresh === true,
            };
            transport.commands.push(command);
            return complete(await answer(command));
          },
          close: async () => {
            transport.open -= 1;
          },
        },
      };
    },
    close: async () => undefined,
  };
  return transport;
}

function complete(answer: FakeAnswer): ExecResult {
  if ('ok' in answer) return answer;
  const { status = 0, stdout = '', stderr = '', truncated = false } = answer;
  return { ok: true, status, stdout: Buffer.from(stdout), stderr: Buffer.from(stderr), truncated };
}

async function bytesOf(stdin: ExecRequest['stdin']): Promise<Buffer> {
  if (stdin === undefined) return Buffer.alloc(0);
  if (stdin instanceof Uint8Array) return Buffer.from(stdin);
  const chunks: Uint8Array[] = [];
  for await (const chunk of stdin) chunks.push(chunk);
  return Buffer.concat(chunks);
}
