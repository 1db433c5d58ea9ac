import { EdgectlError } from '../errors/error.js';

const machines: Readonly<Record<number, string>> = { 40: 'arm', 62: 'amd64', 183: 'arm64', 243: 'riscv64' };

/** Names that other systems use for the architectures of the node protocol. */
const aliases: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  'x86-64': 'amd64',
  aarch64: 'arm64',
  armhf: 'arm',
  armel: 'arm',
  armv7: 'arm',
  armv7l: 'arm',
};

/** The architectures that a bundle may be for. */
export const architectures = ['amd64', 'arm64', 'arm', 'riscv64', 'all'] as const;

/** The protocol's name of an architecture; undefined when it has none. */
export function normaliseArch(name: string): string | undefined {
  const known = aliases[name] ?? name;
  return (architectures as readonly string[]).includes(known) ? known : undefined;
}

/**
 * The architecture that a program is for, from its ELF header (gabi, "ELF Header"). `head` is its beginning, 64 bytes or more.
 * Throws BUNDLE_INVALID, and says so when an HTML or XML error page pretends to be a program.
 */
export function elfArch(head: Buffer, name: string): string {
  if (head.length < 20 || head.readUInt32BE(0) !== 0x7f454c46) {
    const start = head.subarray(0, 64).toString('latin1').trimStart();
    const page = /^<(!doctype|html|\?xml|error|head|body)/i.test(start);
    throw new EdgectlError('BUNDLE_INVALID', {
      message: page
        ? `${name} is an HTML or XML page, not a program: the download that it came from failed.`
        : `${name} is not an ELF program.`,
    });
  }
  const little = head[5] === 1;
  const machine = little ? head.readUInt16LE(18) : head.readUInt16BE(18);
  const type = little ? head.readUInt16LE(16) : head.readUInt16BE(16);
  const arch = little ? machines[machine] : undefined;
  if (arch === undefined) {
    throw new EdgectlError('BUNDLE_INVALID', {
      message: `${name} is for a machine that edgectl has no name for (ELF ${machine}).`,
    });
  }
  if (type !== 2 && type !== 3) {
    throw new EdgectlError('BUNDLE_INVALID', {
      message: `${name} is an ELF object, but not a program (type ${type}).`,
    });
  }
  return arch;
}
