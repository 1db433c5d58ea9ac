/** The beginning of a program for a machine (e_machine), followed by some text so that programs differ. */
export function elf(options: { machine: number; type?: number; bigEndian?: boolean; body?: string }): Buffer {
  const head = Buffer.alloc(64);
  head.write('\x7fELF', 'latin1');
  head[4] = 2;
  head[5] = options.bigEndian === true ? 2 : 1;
  head[6] = 1;
  const type = options.type ?? 2;
  if (options.bigEndian === true) {
    head.writeUInt16BE(type, 16);
    head.writeUInt16BE(options.machine, 18);
  } else {
    head.writeUInt16LE(type, 16);
    head.writeUInt16LE(options.machine, 18);
  }
  return Buffer.concat([head, Buffer.from(options.body ?? 'program')]);
}
