import type { Duplex } from 'node:stream';

/** Send what is written within one tick as one packet: ssh2 writes each SSH message by itself, and a system call a message is a third of a handshake's cost. */
export function batchWrites(socket: Duplex): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  let corked = false;
  socket.write = ((...args: unknown[]) => {
    if (!corked) {
      corked = true;
      socket.cork();
      process.nextTick(() => {
        corked = false;
        socket.uncork();
      });
    }
    return write(...args);
  }) as Duplex['write'];
}
