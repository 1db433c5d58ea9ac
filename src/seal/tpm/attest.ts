import type { PcrSelection } from './pcr.js';
import { decodePcrSelections } from './pcr.js';
import type { TpmReader } from './reader.js';
import { decodeWhole, hex } from './reader.js';

/** TPM_GENERATED_VALUE: a restricted key signs nothing that begins so unless the TPM made it itself. */
const generated = 0xff54_4347;
const stCertify = 0x8017;
const stQuote = 0x8018;
/** TPMU_NAME and the largest digest with its algorithm's id. */
const maxName = 66;
const maxExtra = 66;

/** TPMS_CLOCK_INFO: how often the TPM was reset, and whether its clock can have gone back. */
export interface ClockInfo {
  /** Milliseconds that the TPM was powered since it was last cleared. */
  clock: bigint;
  resetCount: number;
  restartCount: number;
  safe: boolean;
}

interface AttestCommon {
  /** Qualified name of the key that signed. */
  qualifiedSigner: Buffer;
  /** What the caller gave to be signed: a nonce. */
  extraData: Buffer;
  clockInfo: ClockInfo;
  firmwareVersion: bigint;
}

/** A quote: which PCRs, and the digest of their values. */
export interface QuoteAttest extends AttestCommon {
  type: 'quote';
  selections: PcrSelection[];
  pcrDigest: Buffer;
}

/** A statement that an object with this name is in the TPM. */
export interface CertifyAttest extends AttestCommon {
  type: 'certify';
  name: Buffer;
  qualifiedName: Buffer;
}

/** Reads a TPMS_ATTEST of a quote or a certification (TPM 2.0 Library part 2, 10.12.12). Throws TPM_STRUCTURE. */
export function decodeAttest(bytes: Uint8Array): QuoteAttest | CertifyAttest {
  return decodeWhole(bytes, 'TPMS_ATTEST', readAttest);
}

function readAttest(reader: TpmReader): QuoteAttest | CertifyAttest {
  if (reader.u32('the magic value') !== generated) reader.fail('it was not made by a TPM');
  const type = reader.u16('the type');
  if (type !== stQuote && type !== stCertify) reader.fail(`attestations of type ${hex(type)} are not used here`);
  const common: AttestCommon = {
    qualifiedSigner: reader.sized(maxName, 'the signer'),
    extraData: reader.sized(maxExtra, 'the extra data'),
    clockInfo: {
      clock: reader.u64('the clock'),
      resetCount: reader.u32('the reset count'),
      restartCount: reader.u32('the restart count'),
      safe: reader.yesNo('the clock’s safety'),
    },
    firmwareVersion: reader.u64('the firmware version'),
  };
  if (type === stQuote) {
    const selections = decodePcrSelections(reader);
    return { type: 'quote', ...common, selections, pcrDigest: reader.sized(64, 'the PCR digest') };
  }
  const name = reader.sized(maxName, 'the name');
  return { type: 'certify', ...common, name, qualifiedName: reader.sized(maxName, 'the qualified name') };
}
