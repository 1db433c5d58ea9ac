import type { ClientChannel } from 'ssh2';

/** Write a command's standard input with backpressure, then end it. Stops quietly when the other side closes; throws what the source throws. */
export async function pump(
  source: Uint8Array | AsyncIterable<Uint8Array> | undefined,
  channel: ClientChannel,
): Promise<void> {
  if (source === undefined || source instanceof Uint8Array) {
    channel.end(source === undefined ? undefined : asBuffer(source));
    return;
  }
  let open = true;
  let wake: (() => void) | undefined;
  channel.on('close', () => {
    open = false;
    wake?.();
  });
  channel.on('drain', () => wake?.());
  for await (const chunk of source) {
    if (!open || !channel.writable) return;
    if (channel.write(asBuffer(chunk))) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
    wake = undefined;
  }
  if (open && channel.writable) channel.end();
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
