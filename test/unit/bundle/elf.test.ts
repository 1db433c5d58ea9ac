import { describe, expect, test } from 'vitest';
import { elfArch, normaliseArch } from '../../../src/bundle/elf.js';
import { elf } from '../../helpers/elf.js';

describe('the architecture of a program', () => {
  test.each([
    [62, 'amd64'],
    [183, 'arm64'],
    [40, 'arm'],
    [243, 'riscv64'],
  ])('ELF machine %d is %s', (machine, arch) => {
    expect(elfArch(elf({ machine }), 'bin/x')).toBe(arch);
  });

  test('a machine without a name is refused by number', () => {
    expect(() => elfArch(elf({ machine: 21 }), 'bin/x')).toThrow(/ELF 21/);
  });

  test('a big-endian program is not taken for the little-endian machine of the same number', () => {
    expect(() => elfArch(elf({ machine: 40, bigEndian: true }), 'bin/x')).toThrow(/no name for/);
  });

  test('an object file is not a program', () => {
    expect(() => elfArch(elf({ machine: 62, type: 1 }), 'bin/x')).toThrow(/not a program/);
  });

  test.each(['<!DOCTYPE html><html>', '\n <html>', '<?xml version="1.0"?><Error>', '<Error><Code>NoSuchKey'])(
    'the error page %j is called what it is',
    (page) => expect(() => elfArch(Buffer.from(page), 'bin/x')).toThrow(/HTML or XML page/),
  );

  test.each(['', '\x7fEL', 'MZ'])('%j is not a program', (text) => {
    expect(() => elfArch(Buffer.from(text, 'latin1'), 'bin/x')).toThrow(/not an ELF program/);
  });

  test.each([
    ['x86_64', 'amd64'],
    ['aarch64', 'arm64'],
    ['armhf', 'arm'],
    ['all', 'all'],
    ['sparc', undefined],
  ])('%s is known here as %s', (name, arch) => {
    expect(normaliseArch(name)).toBe(arch);
  });
});
