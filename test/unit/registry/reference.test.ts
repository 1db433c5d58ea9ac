import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatReference, parseReference } from '../../../src/registry/reference.js';

const hex = 'a'.repeat(64);

describe('a reference', () => {
  test.each([
    ['nginx', { registry: 'docker.io', repository: 'library/nginx', tag: 'latest' }],
    ['docker.io/nginx:1', { registry: 'docker.io', repository: 'library/nginx', tag: '1' }],
    ['index.docker.io/a/b', { registry: 'docker.io', repository: 'a/b', tag: 'latest' }],
    ['a/b', { registry: 'docker.io', repository: 'a/b', tag: 'latest' }],
    ['localhost/a', { registry: 'localhost', repository: 'a', tag: 'latest' }],
    ['host:5000/a/b-c__d.e:V1', { registry: 'host:5000', repository: 'a/b-c__d.e', tag: 'V1' }],
    ['[::1]:5000/a', { registry: '[::1]:5000', repository: 'a', tag: 'latest' }],
    ['oci://r.example/a:1', { registry: 'r.example', repository: 'a', tag: '1' }],
    [`r.example/a@sha256:${hex}`, { registry: 'r.example', repository: 'a', digest: `sha256:${hex}` }],
    [`r.example/a:t@sha256:${hex}`, { registry: 'r.example', repository: 'a', tag: 't', digest: `sha256:${hex}` }],
  ])('%s is read', (text, expected) => {
    expect(parseReference(text)).toEqual(expected);
  });

  test.each([
    '',
    'A/b',
    'r.example/',
    'r.example//a',
    'r.example/../a',
    'r.example/a/./b',
    'r.example/a:',
    'r.example/a:-x',
    `r.example/a:${'t'.repeat(129)}`,
    'r.example/a@sha256:12',
    `r.example/a@sha256:${hex}@sha256:${hex}`,
    `r.example/a@sha256:${hex.toUpperCase()}`,
    'r.example:0/a',
    'r.example:70000/a',
    'user:password@r.example/a',
    'https://r.example/a',
    'r.example/a b',
    'r.example/a?x=1',
    'r.example/a#b',
    'r.example/a%2e',
    `r.example/${'a'.repeat(255)}`,
    'R.example/a',
    'r.example/a\n',
  ])('%j is refused by name', (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'OCI_REFERENCE' }) as Error);
  });

  test('a repository alone is taken where a repository is wanted, and nothing else', () => {
    expect(parseReference('r.example:5000/a/b', { bare: true })).toEqual({
      registry: 'r.example:5000',
      repository: 'a/b',
    });
    expect(() => parseReference('r.example/a:1', { bare: true })).toThrow('without tag');
  });

  test('what is written is read again as the same', () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,8}(-[a-z0-9]{1,8})?$/);
    const reference = fc.record({
      registry: fc.constantFrom('r.example', 'localhost:5000', '10.0.0.1:5000'),
      repository: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/')),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/),
    });
    fc.assert(
      fc.property(reference, (one) => {
        expect(parseReference(formatReference(one))).toEqual(one);
      }),
    );
  });

  test('no text makes it do anything but answer or refuse', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...'aZ0:/@.%?#\\ \n-_[]é\0'), { maxLength: 12 }).map((letters) => letters.join('')),
        (text) => {
          try {
            const { registry, repository } = parseReference(text);
            expect(new URL(`https://${registry}/v2/${repository}/`).pathname).toBe(`/v2/${repository}/`);
          } catch (error) {
            expect(error).toMatchObject({ code: 'OCI_REFERENCE' });
          }
        },
      ),
    );
  });
});
