import { describe, expect, test } from 'vitest';
import { runtimesFile } from '../../../src/fleet/schema/runtimes-file.js';

const parse = (source: string) =>
  runtimesFile.safeParse([{ runtime: 'demo', version: '1', digest: 'a'.repeat(64), source }]);

describe('the source of a runtime', () => {
  test.each([
    'https://bundles.example.org/edge',
    'oci://registry.example.org/edge/runtimes',
    'oci+http://10.0.0.1:5000/runtimes',
    'oci://[::1]:5000/runtimes',
  ])('may be %s', (source) => expect(parse(source).success).toBe(true));

  test.each([
    'file:///srv/bundles',
    'ftp://example.org/x',
    'oci://registry.example.org',
    'oci://user:password@registry.example.org/edge',
    'oci://registry.example.org/../edge',
    'oci://registry.example.org/edge:1.0',
    'oci://registry.example.org/edge?x',
    'registry.example.org/edge',
  ])('may not be %s', (source) => expect(parse(source).success).toBe(false));
});
