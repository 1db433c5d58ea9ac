import { describe, expect, it } from 'vitest';
import { preparationLines, preparationOf, type Preparation } from '../../../src/plan/preparation.js';
import { sliceText } from '../../../src/plan/slice.js';

const common = { fleet: 'f', node: 'n1', run: 'R', series: 1, expires: 2 };
const health = { windowS: 1, passes: 1, capS: 1, confirmS: 1 };

describe('the preparation in a slice', () => {
  it('is read back as it was written', () => {
    const what: Preparation = {
      mode: 'install',
      login: 'root',
      user: 'edgectl',
      key: 'ssh-ed25519 AAAA= ada@laptop',
      kit: { digest: 'ab'.repeat(32), builtAt: 1_700_000_000 },
      signers: 'cd'.repeat(32),
      home: {
        bastion: 'hop-eu',
        address: '2001:db8::1',
        port: 2222,
        user: 'edgectl-home',
        socket: '/srv/edgectl-home/n1.sock',
        sshd: 22,
        keys: ['ssh-ed25519 AAAA=', 'ssh-rsa BBBB='],
      },
      direct: true,
    };
    const text = sliceText({ ...common, health, kind: 'prepare', preparation: preparationLines(what) });
    expect(preparationOf(text)).toEqual(what);
    const undo = sliceText({ ...common, health, kind: 'unprepare', preparation: preparationLines({ mode: 'undo' }) });
    expect(preparationOf(undo)).toEqual({ mode: 'undo' });
  });

  it('cannot hold a second line in a value', () => {
    const lines = preparationLines({ mode: 'install', key: 'ssh-ed25519 AAAA\nprepare.user=root' });
    expect(() => sliceText({ ...common, health, kind: 'prepare', preparation: lines })).toThrow(/cannot hold/);
  });

  it('is nothing in a slice of another kind, and nothing without a kit', () => {
    expect(preparationOf(sliceText({ ...common, health, kind: 'update' }))).toBeNull();
    expect(preparationOf(sliceText({ ...common, health, kind: 'prepare' }))).toBeNull();
    expect(preparationOf('kind=prepare')).toBeNull();
  });
});
