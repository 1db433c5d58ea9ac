import { describe, expect, it } from 'vitest';
import { createNodeClient } from '../../../src/node/client.js';
import { kitIdentity, outOfRange } from '../../../src/node/protocol.js';
import { fakeTransport } from '../../helpers/fake-transport.js';

const source = 'a'.repeat(64);
const kit = { t: 'kit', version: '0.2.0', protocol_min: 1, protocol_max: 2, source };

describe('what a kit says of itself', () => {
  it('is read from status and facts, and from hello', () => {
    expect(kitIdentity([{ t: 'tx' }, kit])).toEqual({ version: '0.2.0', protocolMin: 1, protocolMax: 2, source });
    const hello = { t: 'hello', kit: '0.1.0', protocol_min: 1, protocol_max: 1 };
    expect(kitIdentity([hello])).toEqual({ version: '0.1.0', protocolMin: 1, protocolMax: 1 });
  });

  it.each([
    ['nothing', []],
    ['numbers that are text', [{ ...kit, protocol_min: '1' }]],
    ['a range the wrong way round', [{ ...kit, protocol_min: 3 }]],
    ['a version that is none', [{ ...kit, version: 7 }]],
  ])('is not believed when it is %s', (_, lines) => {
    expect(kitIdentity(lines)).toBeUndefined();
  });

  it('loses a digest that is none, and cannot write over the terminal', () => {
    expect(kitIdentity([{ ...kit, source: 'x', version: '1\u001b[2J' }])).toEqual({
      version: expect.not.stringContaining('\u001b') as string,
      protocolMin: 1,
      protocolMax: 2,
    });
  });
});

describe('a kit and an edgectl of other ages', () => {
  const speaks = (protocolMin: number, protocolMax: number): string | undefined =>
    outOfRange({ version: '9', protocolMin, protocolMax }, { min: 3, max: 5 });

  it.each([
    [1, 3],
    [3, 5],
    [4, 4],
    [5, 8],
  ])('work together when the kit speaks %i to %i and edgectl 3 to 5', (min, max) => {
    expect(speaks(min, max)).toBeUndefined();
  });

  it('do not when they have no version in common, and the newer one is named', () => {
    expect(speaks(6, 7)).toBe('its kit 9 speaks protocol 6 to 7, this edgectl 3 to 5: use a newer edgectl');
    expect(speaks(2, 2)).toContain('speaks protocol 2, this edgectl 3 to 5: upgrade the kit first');
  });

  it('are kept apart by the client, whatever the answer was about', async () => {
    const lines = [
      { ...kit, protocol_min: 8, protocol_max: 9 },
      { t: 'end', ok: true },
    ];
    const stdout = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
    const target = (nodeId: string) => ({ nodeId, host: nodeId, port: 22, user: 'root', identityFiles: [] });
    const client = createNodeClient({ transport: fakeTransport(() => ({ stdout })), target });
    const answer = await client.call('n1', { verb: 'status', fields: {}, timeoutMs: 1000 });
    expect(answer).toMatchObject({ kind: 'refused', code: 'KIT_PROTOCOL' });
  });
});
