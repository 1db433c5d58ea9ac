import { describe, expect, it } from 'vitest';
import { defaultLabDir, labLayout } from '../../../src/lab/layout.js';

describe('the layout of a lab', () => {
  it('lies below XDG_STATE_HOME, and below HOME when that is unset or relative', () => {
    expect(defaultLabDir({ XDG_STATE_HOME: '/s', HOME: '/h' })).toBe('/s/edgectl/lab');
    expect(defaultLabDir({ HOME: '/h' })).toBe('/h/.local/state/edgectl/lab');
    expect(defaultLabDir({ XDG_STATE_HOME: 's', HOME: '/h' })).toBe('/h/.local/state/edgectl/lab');
  });

  it('keeps the control socket inside the lab, unless its path would be too long for a unix socket', () => {
    expect(labLayout('/lab').socket).toBe('/lab/control.sock');
    const long = labLayout(`/${'x'.repeat(120)}`).socket;
    expect(Buffer.byteLength(long)).toBeLessThan(100);
    expect(long).not.toBe(labLayout(`/${'y'.repeat(120)}`).socket);
  });
});
