import { describe, expect, it } from 'vitest';

import { fuzzTpm } from '../../helpers/tpm-fuzz.js';

// `npm run fuzz` asks for a million.
const inputs = Number(process.env['EDGECTL_FUZZ_INPUTS'] ?? 5000);
const seed = Number(process.env['EDGECTL_FUZZ_SEED'] ?? 1);

describe('everything that reads bytes of a TPM', () => {
  it(`gives a value or a clear refusal for each of ${inputs} inputs, and never hangs`, { timeout: 3_600_000 }, () => {
    const result = fuzzTpm(inputs, seed);
    process.stdout.write(`fuzz: ${JSON.stringify(result)}\n`);
    // A fuzzer whose inputs are all refused, or all taken, would not test anything.
    expect(result.read).toBeGreaterThan(inputs / 100);
    expect(Object.keys(result.refused).sort()).toEqual(['TPM_ATTESTATION', 'TPM_CERTIFICATE', 'TPM_STRUCTURE']);
    // A hang, on however slow a machine.
    expect(result.slowestMs).toBeLessThan(60_000);
  });
});
