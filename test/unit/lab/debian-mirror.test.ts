import { expect, it } from 'vitest';
import { mirrorAmong } from '../../../src/lab/machines/debian-mirror.js';

const archive = 'Debian|Debian|main|http://mirror.example/debian/';

it('takes the archive of Debian itself, not its security archive nor anybody else’s', () => {
  const listed = [
    'Docker|Docker CE|stable|https://packages.example/linux/debian/',
    'Debian|Debian-Security|main|http://mirror.example/debian-security/',
    'Debian|Debian|contrib|http://other.example/debian/',
    archive,
  ].join('\n');
  expect(mirrorAmong(`${listed}\n`)).toBe('http://mirror.example/debian');
});

it('finds none where apt has not been updated yet, or knows another distribution only', () => {
  expect(mirrorAmong('')).toBeUndefined();
  expect(mirrorAmong('$(ORIGIN)|$(LABEL)|main|http://mirror.example/debian/\n')).toBeUndefined();
  expect(mirrorAmong('Ubuntu|Ubuntu|main|http://mirror.example/ubuntu/\n')).toBeUndefined();
});
