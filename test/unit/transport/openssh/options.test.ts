import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  asArguments,
  configValue,
  hopAlias,
  hopsConfig,
  loginOptions,
  proxyCommand,
} from '../../../../src/transport/openssh/options.js';
import type { Hop } from '../../../../src/transport/types.js';
import { requires } from '../../../helpers/requires.js';

const common = { knownHostsFile: '/fleet dir/known_hosts', connectS: 15, keepaliveS: 10 };
const hop = (over: Partial<Hop> = {}): Hop => ({
  ...{ nodeId: 'hop', host: '10.0.0.1', port: 2222, user: 'jump', identityFiles: ['/keys/a'] },
  ...over,
});
const of = (options: readonly (readonly [string, string])[], key: string): string[] =>
  options.flatMap(([name, value]) => (name === key ? [value] : []));

describe('options for ssh', () => {
  it('check the pinned keys by the name of the node, ask nothing and forward nothing', () => {
    const options = loginOptions(hop(), common);
    expect(Object.fromEntries(options)).toMatchObject({
      HostKeyAlias: 'hop',
      StrictHostKeyChecking: 'yes',
      UserKnownHostsFile: '"/fleet dir/known_hosts"',
      GlobalKnownHostsFile: '/dev/null',
      UpdateHostKeys: 'no',
      BatchMode: 'yes',
      ClearAllForwardings: 'yes',
      ForwardAgent: 'no',
      RemoteCommand: 'none',
      RequestTTY: 'no',
    });
  });

  it('use the named keys alone, and the agent only when there is one', () => {
    expect(of(loginOptions(hop({ identityFiles: ['/a', '/b c'] }), common), 'IdentityFile')).toEqual(['/a', '"/b c"']);
    expect(of(loginOptions(hop(), common), 'IdentitiesOnly')).toEqual(['yes']);
    expect(of(loginOptions(hop({ identityFiles: [] }), common), 'IdentitiesOnly')).toEqual([]);
    expect(of(loginOptions(hop(), common), 'IdentityAgent')).toEqual(['none']);
    expect(of(loginOptions(hop({ agent: '/run/agent' }), common), 'IdentityAgent')).toEqual([]);
  });

  it.each([
    ['plain', 'plain'],
    ['100%', '100%%'],
    ['two words', '"two words"'],
    ['say "hi"', '"say \\"hi\\""'],
    ['a#b', '"a#b"'],
    ['back\\slash', '"back\\\\slash"'],
  ])('quote %s', (text, written) => {
    expect(configValue(text)).toBe(written);
  });

  it('become arguments in pairs', () => {
    expect(
      asArguments([
        ['Port', '22'],
        ['User', 'ada'],
      ]),
    ).toEqual(['-o', 'Port=22', '-o', 'User=ada']);
  });

  it('quote a ProxyCommand for the shell and for the tokens of ssh', () => {
    expect(proxyCommand("/tmp/it's 100%/c", 'edgectl-bastion-0-hop', '/tmp/l', true)).toBe(
      "ssh -F '/tmp/it'\\''s 100%%/c' -E '/tmp/l' -o ControlPath=none -W '[%h]:%p' edgectl-bastion-0-hop",
    );
  });
});

const need = requires('ssh');
describe.skipIf(need.skip)('what ssh itself makes of the configuration of a chain', () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'edgectl-options-'));
  });
  afterAll(() => rmSync(dir, { recursive: true, force: true }));
  const read = (file: string, host: string): Map<string, string> => {
    const text = execFileSync('ssh', ['-G', '-F', file, host], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return new Map(
      text.split('\n').map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]),
    );
  };

  it('is each hop with its own login, and a user’s file cannot loosen it', () => {
    const mine = join(dir, 'my config');
    writeFileSync(
      mine,
      'Host *\n  StrictHostKeyChecking no\n  Port 99\n  User other\n  ForwardAgent yes\n  Compression yes\n',
    );
    const [first, second] = [hop(), hop({ nodeId: 'inner', host: '2001:db8::2', user: 'in ner', port: 22 })];
    const proxy = proxyCommand(join(dir, 'c'), hopAlias(0, first), join(dir, 'l'), false);
    const file = join(dir, 'c');
    const hops = [
      { hop: first, controlPath: join(dir, 's0') },
      { hop: second, controlPath: join(dir, 's1'), proxy },
    ];
    writeFileSync(file, hopsConfig(hops, { ...common, knownHostsFile: join(dir, 'known hosts') }, [mine]));
    const outer = read(file, hopAlias(0, first));
    expect(outer.get('hostname')).toBe('10.0.0.1');
    expect([outer.get('port'), outer.get('user'), outer.get('hostkeyalias')]).toEqual(['2222', 'jump', 'hop']);
    expect(outer.get('stricthostkeychecking')).toMatch(/^(true|yes)$/u);
    expect(outer.get('forwardagent')).toBe('no');
    expect(outer.get('compression')).toBe('yes');
    expect(outer.get('userknownhostsfile')).toContain('known hosts');
    const inner = read(file, hopAlias(1, second));
    expect([inner.get('hostname'), inner.get('user')]).toEqual(['2001:db8::2', 'in ner']);
    expect(inner.get('proxycommand')).toBe(proxy);
    // Hosts that are no hops are the user's own.
    expect(read(file, 'elsewhere').get('port')).toBe('99');
  });
});
