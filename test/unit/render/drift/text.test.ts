import { describe, expect, it } from 'vitest';
import { renderDrift } from '../../../../src/render/drift/text.js';
import { createUi } from '../../../../src/render/ui.js';
import { textWidth } from '../../../../src/render/width.js';
import { hostile } from '../reports/sample-report.js';
import { hostileDrift, quietDrift, sampleDrift } from './sample-drift.js';

const uiOf = (width: number, wide = false) => createUi({ isTTY: false, env: {}, noColor: true, width, wide });

describe.each([80, 120])('a drift report at %i columns', (width) => {
  it.each(['attribute', 'site'] as const)('tells the state of the fleet, then the worst first, by %s', async (by) => {
    const text = renderDrift(sampleDrift(by).report, uiOf(width));
    for (const line of text.split('\n')) {
      // A command that is cut cannot be pasted.
      if (!line.includes('edgectl rollout')) expect(textWidth(line), line).toBeLessThanOrEqual(width);
    }
    await expect(`${text}\n`).toMatchFileSnapshot(`../../../golden/render/drift-${by}-${width}.txt`);
  });
});

describe('a drift report', () => {
  it('says when there is nothing to say', () => {
    expect(renderDrift(quietDrift(), uiOf(80)).split('\n').at(-1)).toBe('Nothing unexpected.');
  });

  it('has no line that a terminal or the log of a CI would act on', () => {
    for (const width of [40, 60, 80, 120, 200]) {
      const values = [
        ...hostile,
        ...hostile.map((text) => `${'x '.repeat(20)}${text}`),
        'a ::add-mask::b',
        '::error::x',
      ];
      const text = renderDrift(hostileDrift(values).report, uiOf(width, true));
      // eslint-disable-next-line no-control-regex
      expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/u);
      expect(text).not.toMatch(/^\s*::/mu);
      expect(text).not.toContain('##[');
    }
  });
});
