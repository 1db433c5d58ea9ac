import { parseCertificate } from '../../src/seal/evidence/certificate.js';
import { verifyEkChain } from '../../src/seal/evidence/ek-chain.js';
import { verifyQuote } from '../../src/seal/evidence/quote.js';
import { decodeAttest } from '../../src/seal/tpm/attest.js';
import { makeCredential } from '../../src/seal/tpm/make-credential.js';
import { objectName } from '../../src/seal/tpm/name.js';
import { decodePublic } from '../../src/seal/tpm/public-area.js';
import { keyOfPublicArea } from '../../src/seal/tpm/public-key.js';
import { decodeSignature } from '../../src/seal/tpm/signature.js';
import { EdgectlError } from '../../src/errors/error.js';
import { authorityFixture, fixtureTime, publicFixture, quotedPcrs, tpmFixture } from './tpm-fixtures.js';

/** What came of feeding bytes to everything that reads what a node sends. */
export interface FuzzResult {
  inputs: number;
  /** Inputs that gave a value. */
  read: number;
  /** How often each refusal came. */
  refused: Record<string, number>;
  /** Milliseconds that the slowest input took. */
  slowestMs: number;
}

/** Feeds mutated real structures and noise to the parsers. Throws at the first input that gives anything but a value or an EdgectlError, and names it. */
export function fuzzTpm(inputs: number, seed: number): FuzzResult {
  const random = generator(seed);
  const targets = fuzzTargets();
  const result: FuzzResult = { inputs, read: 0, refused: {}, slowestMs: 0 };
  for (let index = 0; index < inputs; index += 1) {
    const target = targets[index % targets.length] as Target;
    const input = mutate(target.seeds[random(target.seeds.length)] ?? Buffer.alloc(0), random);
    const began = performance.now();
    try {
      target.read(input);
      result.read += 1;
    } catch (error) {
      if (!(error instanceof EdgectlError) || error.code === 'INTERNAL')
        throw new Error(`${target.name} broke on ${input.toString('hex')} (seed ${seed}, input ${index})`, {
          cause: error,
        });
      result.refused[error.code] = (result.refused[error.code] ?? 0) + 1;
    }
    result.slowestMs = Math.max(result.slowestMs, performance.now() - began);
  }
  return result;
}

interface Target {
  name: string;
  seeds: Buffer[];
  read: (input: Buffer) => unknown;
}

function fuzzTargets(): Target[] {
  const ak = publicFixture('ak');
  const ek = publicFixture('ek-rsa');
  const nonce = tpmFixture('nonce.bin');
  const [message, signature] = [tpmFixture('q.msg'), tpmFixture('q.sig')];
  const authorities = [authorityFixture('issuercert.pem')];
  const quote = { ak, nonce, pcrs: quotedPcrs(), message, signature };
  const publics = ['ak', 'srk', 'ek-rsa', 'ek-ecc'].map((name) => tpmFixture(`${name}.pub`));
  const certificates = ['ek-rsa.der', 'ek-ecc.der'].map(tpmFixture);
  return [
    { name: 'decodePublic', seeds: publics, read: decodePublic },
    { name: 'objectName', seeds: publics, read: (input) => objectName(decodePublic(input)) },
    { name: 'keyOfPublicArea', seeds: publics, read: (input) => keyOfPublicArea(decodePublic(input)) },
    {
      name: 'makeCredential',
      seeds: [tpmFixture('ek-ecc.pub'), tpmFixture('srk.pub')],
      read: (input) => makeCredential(decodePublic(input), nonce, nonce),
    },
    { name: 'decodeAttest', seeds: [message, tpmFixture('cert.msg')], read: decodeAttest },
    { name: 'decodeSignature', seeds: [signature, tpmFixture('cert.sig')], read: decodeSignature },
    { name: 'verifyQuote of a message', seeds: [message], read: (input) => verifyQuote({ ...quote, message: input }) },
    {
      name: 'verifyQuote of a signature',
      seeds: [signature],
      read: (input) => verifyQuote({ ...quote, signature: input }),
    },
    {
      name: 'verifyQuote by a key',
      seeds: [tpmFixture('ak.pub')],
      read: (input) => verifyQuote({ ...quote, ak: decodePublic(input) }),
    },
    { name: 'parseCertificate', seeds: certificates, read: parseCertificate },
    {
      name: 'verifyEkChain',
      seeds: certificates,
      read: (input) => verifyEkChain({ certificate: input, ek, authorities, now: fixtureTime }),
    },
  ];
}

type Random = (below: number) => number;

/** A small generator (mulberry32): the same seed gives the same inputs on every machine. */
function generator(seed: number): Random {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** Bits turned, bytes changed, pieces cut out, doubled or replaced, numbers at their borders, or nothing but noise. */
function mutate(seed: Buffer, random: Random): Buffer {
  if (random(20) === 0) return Buffer.from(Array.from({ length: random(300) }, () => random(256)));
  let bytes = Buffer.from(seed);
  for (let times = 1 + random(4); times > 0 && bytes.length > 0; times -= 1) {
    const at = random(bytes.length);
    const size = Math.min(1 + random(16), bytes.length - at);
    const kind = random(6);
    if (kind === 0) bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random(8)), at);
    else if (kind === 1) bytes.writeUInt8(random(256), at);
    else if (kind === 2) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
    else if (kind === 3) bytes = Buffer.concat([bytes.subarray(0, at + size), bytes.subarray(at)]);
    else if (kind === 4) bytes.fill([0, 0xff, 0x7f, 0x80][random(4)] ?? 0, at, at + size);
    else bytes = Buffer.from(bytes.subarray(0, at));
  }
  return bytes;
}
