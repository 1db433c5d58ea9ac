import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { Envelope } from '../../../src/cli/envelope.js';
import { formatResult } from '../../../src/cli/output.js';
import { createUi } from '../../../src/render/ui.js';

describe('-o yaml', () => {
  it('begins no line with words of a node, however long they are', async () => {
    const said = `${'word '.repeat(40)}::add-mask::secret ${'word '.repeat(40)}::error::x`;
    const envelope = {
      schema: 'edgectl/v1',
      command: 'node facts',
      exitCode: 0,
      result: { said },
    } as unknown as Envelope;
    const ui = createUi({ isTTY: false, env: {}, noColor: true, width: 80 });
    const text = await formatResult('yaml', { data: { said }, text: () => '' }, envelope, ui);
    expect(text.split('\n').filter((line) => /^\s*(?:word|::)/.test(line))).toEqual([]);
    expect(parse(text)).toMatchObject({ result: { said } });
  });
});
