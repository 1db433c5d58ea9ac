import { describe, expect, it } from 'vitest';
import { askedTogether, observeRequest, usuallyAsked } from '../../../src/facts/asked.js';
import { clockOffset } from '../../../src/facts/clock-offset.js';
import { lookAt } from '../../../src/facts/observe.js';
import { maxAttributes, parseSighting } from '../../../src/facts/parse-sighting.js';
import type { KitAnswer, KitLine } from '../../../src/node/types.js';
import { fail } from '../../../src/transport/failure.js';

const digest = '0123456789abcdef';
const context = { known: { os: 'aaaaaaaaaaaaaaaa' }, sentAt: 0, receivedAt: 0 };
const section = (name: string, more: Record<string, unknown> = { digest }): KitLine => ({
  t: 'section',
  name,
  ...more,
});
const a = (n: unknown, v: unknown): KitLine => ({ t: 'a', n, v });

describe('an answer to a look', () => {
  it('may only call the same what the operator has said that it knows', () => {
    const seen = parseSighting([{ t: 'same', sections: 'os,kernel,nonsense' }], context);
    expect(seen.sections).toEqual([{ section: 'os', state: 'same', digest: 'aaaaaaaaaaaaaaaa', readings: new Map() }]);
  });

  it('has a section once, the first time', () => {
    const lines = [section('os'), a('os.id', 'a'), section('os'), a('os.id', 'b'), { t: 'same', sections: 'os' }];
    const { sections } = parseSighting(lines, context);
    expect(sections).toHaveLength(1);
    expect([...(sections[0]?.readings ?? [])]).toEqual([['os.id', { value: 'a' }]]);
  });

  it('says of a section that could not be looked at what is unknown of it', () => {
    const { sections } = parseSighting([section('memory', { unknown: 'timeout' }), a('memory.total', '1')], context);
    expect(sections).toMatchObject([{ section: 'memory', state: 'dark', reason: 'timeout' }]);
    expect([...(sections[0]?.readings ?? [])]).toEqual([
      ['memory.total', { unknown: 'timeout' }],
      ['memory.swap', { unknown: 'timeout' }],
    ]);
  });

  it('is not believed beyond its bounds', () => {
    const flood = Array.from({ length: maxAttributes + 50 }, (_, n) => a(`package.p${n}`, '1'));
    const long = 'x'.repeat(5000);
    const lines = [section('package'), a(`package.${long}`, '1'), a('package.long', long), a('package.b', 7), ...flood];
    const { sections } = parseSighting([...lines, section('os', { digest: 'short' }), a('os.id', 'x')], context);
    const readings = sections[0]?.readings;
    expect(sections).toHaveLength(1);
    expect(readings?.size).toBe(maxAttributes);
    expect(readings?.get('package.long')).toEqual({ unknown: 'invalid' });
    expect(readings?.has('package.b')).toBe(false);
  });
});

describe('the offset of a node’s clock', () => {
  it.each([
    ['1000', 1_000_000, 1_000_000, '0'],
    ['1002', 1_000_000, 1_000_000, '0'],
    ['1003', 1_000_000, 1_000_000, '3'],
    ['1007', 1_000_000, 1_010_000, '0'],
    ['0', 1_000_000, 1_000_000, '-1000'],
    ['4567', 1_000_000, 1_000_000, '4000'],
    ['999999999999', 1_000_000, 1_000_000, '1000000000000'],
  ])('is %s against %i to %i: %s', (node, sent, received, offset) => {
    expect(clockOffset(node, sent, received)).toBe(offset);
  });

  it('is unknown when the node sends no time', () => {
    expect(clockOffset('soon', 0, 0)).toBeUndefined();
    const { volatile } = parseSighting([{ t: 'now', n: 'clock.time', v: 'soon' }], context);
    expect(volatile.get('clock.offset')).toEqual({ unknown: 'invalid' });
  });

  it('is the operator’s to say', () => {
    const { volatile } = parseSighting([{ t: 'now', n: 'clock.offset', v: '0' }], context);
    expect(volatile.size).toBe(0);
  });
});

describe('what is asked for', () => {
  it('is the same request whatever the order it was put together in', () => {
    const one = askedTogether(usuallyAsked, { sysctls: ['vm.swappiness', 'a.b'], files: ['/b', '/a'] });
    const other = askedTogether(usuallyAsked, { files: ['/a', '/b'], sysctls: ['a.b'] });
    expect(observeRequest(one, {}, 20)).toEqual(observeRequest(other, {}, 20));
  });

  it('leaves out what is empty, and a path that would be two', () => {
    const nothing = { sysctls: [], modules: [], packages: [], units: [], runtimes: [], certificates: [] };
    expect(observeRequest({ ...nothing, files: ['/a', '/b\n/c'] }, {}, 5)).toEqual({ budget: '5', files: '/a' });
    expect(observeRequest({ ...nothing, files: [] }, { os: digest, cpu: digest }, 5)).toEqual({
      budget: '5',
      known: `os:${digest},cpu:${digest}`,
    });
  });
});

describe('a look at a node', () => {
  const lines = [section('os'), a('os.id', 'debian')];
  const options = { clock: { now: () => 0 }, asked: usuallyAsked, known: {}, timeoutMs: 30_000 };
  const first = async (): Promise<KitAnswer> => ({ kind: 'ok', lines });
  const caller = (answer: KitAnswer) => ({ call: async () => answer });

  it.each([
    ['no kit', { kind: 'refused', code: 'NO_KIT', reason: '', lines: [] }],
    ['no right to it', { kind: 'refused', code: 'NO_SUDO', reason: '', lines: [] }],
    [
      'a kit from before it',
      {
        kind: 'protocol',
        mayHaveActed: false,
        message: 'there was no answer (status 1; edgectl-node: usage: edgectl-node hello|facts)',
      },
    ],
  ] as [string, KitAnswer][])('is taken without privilege where there is %s', async (_, answer) => {
    expect(await lookAt(caller(answer), 'n1', { ...options, firstLook: first })).toMatchObject({
      ok: true,
      kit: false,
    });
    expect(await lookAt(caller(answer), 'n1', options)).toMatchObject({ ok: false });
  });

  it('tells one that is not there from one that says no', async () => {
    const gone = {
      kind: 'unreachable',
      mayHaveActed: false,
      failure: fail('dns', 'no', false),
      message: 'no',
    } as const;
    const busy: KitAnswer = { kind: 'refused', code: 'BUSY', reason: 'another look', lines: [] };
    const garbage = { kind: 'protocol', mayHaveActed: false, message: 'the answer was cut off' } as const;
    expect(await lookAt(caller(gone), 'n1', options)).toMatchObject({ why: 'dns', sighting: { reached: false } });
    expect(await lookAt(caller(busy), 'n1', options)).toMatchObject({ why: 'BUSY', sighting: { reached: true } });
    const cut = await lookAt(caller(garbage), 'n1', { ...options, firstLook: first });
    expect(cut).toMatchObject({ ok: false, why: 'protocol', sighting: { reached: true, sections: [] } });
  });
});
