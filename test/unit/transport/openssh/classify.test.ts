import { describe, expect, it } from 'vitest';
import { classifyForward, classifyLogin, parseSshLog } from '../../../../src/transport/openssh/classify.js';

// Lines as OpenSSH 9.2 and 10.0 write them at LogLevel DEBUG2.
const place = 'edge-001 (10.0.0.7 port 22)';
const login = (text: string, pinned: string[] = []) => classifyLogin(parseSshLog(text), place, pinned);

describe('the log of an ssh', () => {
  it('tells what was sent, answered and ended', () => {
    const log = parseSshLog(
      [
        'debug1: Connecting to 10.0.0.7 [10.0.0.7] port 22.',
        'debug1: Remote protocol version 2.0, remote software version OpenSSH_9.2p1 Debian-2',
        'debug1: Server host key: ssh-ed25519 SHA256:abcDEF/+1',
        'Authenticated to 10.0.0.7 ([10.0.0.7]:22) using "publickey".',
        'debug1: Sending command: true',
        'debug1: Exit status 3',
        'Transferred: sent 2000, received 2000 bytes, in 0.1 seconds',
      ].join('\r\n'),
    );
    expect(log).toEqual({
      messages: [],
      sent: true,
      status: 3,
      signalled: false,
      masterEnded: false,
      ownConnection: true,
      answered: true,
      offered: 'SHA256:abcDEF/+1',
    });
  });

  it.each([
    ['debug2: Received exit status from master 255', { status: 255 }],
    ['debug2: mux_client_hello_exchange: master version 4', { sent: true, ownConnection: false }],
    ['debug1: client_input_channel_req: channel 0 rtype exit-signal reply 0', { signalled: true, status: undefined }],
    ['debug2: Control master terminated unexpectedly', { masterEnded: true }],
    ['debug1: Executing proxy command: exec ssh -W', { ownConnection: true, answered: false }],
    [
      'debug1: Server host certificate: ssh-ed25519-cert-v01@openssh.com SHA256:xyz, serial 0',
      { offered: 'SHA256:xyz' },
    ],
    ['', { messages: [], sent: false, status: undefined }],
  ])('%s', (line, expected) => {
    expect(parseSshLog(line)).toMatchObject(expected);
  });

  it('takes no word of the remote side for its own: those begin with debug', () => {
    const log = parseSshLog('debug1: Remote: Exit status 0\ndebug1: Remote: Permission denied (publickey).');
    expect(log).toMatchObject({ messages: [], status: undefined });
  });
});

describe('why an ssh did not log in', () => {
  it.each([
    ['ssh: Could not resolve hostname nowhere: Name or service not known', 'dns'],
    ['ssh: connect to host 10.0.0.7 port 22: Connection refused', 'refused'],
    ['ssh: connect to host 10.0.0.7 port 22: No route to host', 'no-route'],
    ['ssh: connect to host 10.0.0.7 port 22: Network is unreachable', 'no-route'],
    ['ssh: connect to host 10.0.0.7 port 22: Permission denied', 'no-route'],
    ['ssh: connect to host 10.0.0.7 port 22: Connection timed out', 'connect-timeout'],
    ['Connection timed out during banner exchange', 'handshake-timeout'],
    ['Connection to 10.0.0.7 port 22 timed out', 'handshake-timeout'],
    ['ada@10.0.0.7: Permission denied (publickey,password).', 'auth'],
    ['Received disconnect from 10.0.0.7 port 22:2: Too many authentication failures', 'auth'],
    ['No ED25519 host key is known for edge-001 and you have requested strict checking.', 'host-key-unknown'],
    ['kex_exchange_identification: Connection closed by remote host', 'closed'],
    ['/etc/ssh/ssh_config line 3: Bad configuration option: nonsense', 'closed'],
  ])('%s: %s', (line, kind) => {
    const failure = login(line);
    expect(failure).toMatchObject({ ok: false, kind, sent: false });
    expect(failure.message.startsWith(place)).toBe(true);
  });

  it('names the first reason: the rest follows from it', () => {
    expect(
      login('ssh: connect to host x port 22: Connection refused\nada@x: Permission denied (publickey).').kind,
    ).toBe('refused');
  });

  it('puts a host key before everything else, with what was offered and what is pinned', () => {
    const text = [
      'debug1: Server host key: ssh-ed25519 SHA256:new',
      '@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @',
      'Host key verification failed.',
      'ada@x: Permission denied (publickey).',
    ].join('\n');
    const changed = login(text, ['ED25519 SHA256:old']);
    expect(changed).toMatchObject({ kind: 'host-key-changed', offered: 'SHA256:new', pinned: ['ED25519 SHA256:old'] });
    expect(changed.message).toContain('offers SHA256:new, pinned is ED25519 SHA256:old');
    // Nothing pinned, and ssh speaks of a change: an authority that does not fit.
    expect(login('Host key verification failed.').message).toContain('is not in known_hosts');
    expect(login('@ WARNING: REVOKED HOST KEY DETECTED! @\nHost key verification failed.')).toMatchObject({
      kind: 'host-key-changed',
      message: expect.stringContaining('revoked'),
    });
  });

  it('has a word where ssh had none, and shows no control characters', () => {
    expect(login('')).toMatchObject({ kind: 'closed', message: expect.stringContaining('without a word') });
    expect(login('\u001b[31mred').message).not.toContain('\u001b');
  });
});

describe('why a bastion did not lead on', () => {
  const forward = (line: string) => classifyForward(parseSshLog(line), '10.0.0.7 port 22', 'hop-eu');
  it.each([
    ['channel 0: open failed: administratively prohibited: open failed', 'forward-refused', 'hop-eu'],
    ['channel 0: open failed: connect failed: Connection refused', 'refused', undefined],
    ['channel 0: open failed: connect failed: Connection timed out', 'connect-timeout', undefined],
    ['channel 0: open failed: connect failed: No route to host', 'no-route', undefined],
    ['channel 0: open failed: connect failed: Name or service not known', 'dns', undefined],
    ['channel 0: open failed: connect failed: Temporary failure in name resolution', 'dns', undefined],
    ['channel 0: open failed: resource shortage: ', 'no-route', undefined],
  ])('%s: %s', (line, kind, bastion) => {
    expect(forward(`${line}\nstdio forwarding failed`)).toMatchObject({ ok: false, kind, sent: false });
    expect(forward(line)?.bastion).toBe(bastion);
  });

  it('says nothing when it is about the bastion itself', () => {
    expect(forward('jump@hop: Permission denied (publickey).')).toBeUndefined();
  });
});
