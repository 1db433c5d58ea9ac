import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { annotationsOfError, annotationsOfRun, summaryOfRun } from '../../../../src/render/reports/github.js';
import { reportRequest } from '../../../../src/render/reports/request.js';
import { hostile, reportedRun } from './sample-report.js';

const many = Array.from({ length: 25 }, (_, index) => ({ state: 'failed' as const, message: `reason ${index}` }));

describe('annotations for GitHub', () => {
  it('name the nodes that failed as errors, the absent ones as warnings, and the run as a notice', () => {
    const lines = annotationsOfRun(reportedRun());
    expect(lines).toContain('::error title=reverted%3A pos-002::containerd exited 1 after 32 s\n');
    expect(lines).toContain('::warning title=deferred%3A pos-003::no route to host\n');
    expect(lines.at(-1)).toMatch(/^::notice title=edgectl rollout runtime::Finished with stragglers after 23m10s: /);
  });

  it('fold nodes with the same end into one', () => {
    const nodes = Array.from({ length: 30 }, () => ({ state: 'failed' as const, message: 'no space left' }));
    expect(annotationsOfRun(reportedRun(nodes)).filter((line) => line.startsWith('::error'))).toEqual([
      '::error title=failed%3A pos-[001-030]::no space left\n',
    ]);
  });

  it('are at most ten of a kind, the last saying where the others are', () => {
    const errors = annotationsOfRun(reportedRun(many)).filter((line) => line.startsWith('::error'));
    expect(errors).toHaveLength(10);
    expect(errors.at(-1)).toBe('::error title=and more::16 more of this kind stand in the step summary\n');
    expect(summaryOfRun(reportedRun(many)).match(/reason&#?\w*;? ?\d+|reason \d+/g)).toHaveLength(25);
  });

  it('are one line each that only we began, whatever a node prints', () => {
    const nodes = hostile.map((text) => ({ state: 'failed' as const, message: text, why: text }));
    for (const line of annotationsOfRun(reportedRun(nodes))) {
      expect(line.match(/\n/g)).toHaveLength(1);
      expect(line).toMatch(/^::(error|warning|notice) title=[^\r\n:,]*::/);
      // eslint-disable-next-line no-control-regex
      expect(line.trimEnd()).not.toMatch(/[\u0000-\u001f\u202e]/);
    }
  });

  it('tell an error of the command with its code', () => {
    const error = { command: 'apply', code: 'PLAN_EXPIRED', message: 'too late', hint: 'again', exitCode: 8 };
    expect(annotationsOfError(error)).toEqual(['::error title=PLAN_EXPIRED::too late%0Aagain\n']);
  });
});

describe('the step summary', () => {
  it('has a row for each end, the next commands, and nothing that a node could have forged', () => {
    const nodes = hostile.map((text) => ({ state: 'failed' as const, message: text }));
    const text = summaryOfRun(reportedRun(nodes));
    expect(text.split('\n').filter((line) => line.startsWith('| failed'))).toHaveLength(hostile.length);
    expect(text).not.toMatch(/<script|<!--|\]\(javascript|^::/m);
    expect(text).toContain('edgectl rollback 01JD8QAZ0Y5V9W3K7M2N4P6R8T');
  });

  it('keeps every row to its four cells and every tag to ours, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 80 }), (message) => {
        const row = summaryOfRun(reportedRun([{ state: 'failed', message }]))
          .split('\n')
          .find((line) => line.startsWith('| failed'));
        expect(row?.split('|')).toHaveLength(6);
        expect(row?.replaceAll(/<\/?code>/g, '')).not.toMatch(/[<>`]/);
      }),
    );
  });

  it('is cut in its rows before it is too large for GitHub', () => {
    const nodes = Array.from({ length: 3000 }, (_, index) => ({
      state: 'failed' as const,
      message: `${index} ${'x'.repeat(900)}`,
    }));
    const text = summaryOfRun(reportedRun(nodes));
    expect(Buffer.byteLength(text)).toBeLessThan(1_048_576);
    expect(text).toMatch(/\| … \| \d+ more rows/);
    expect(text).toContain('edgectl rollback');
  });
});

describe('--report', () => {
  it('takes junit=FILE and github, and says what it takes otherwise', () => {
    expect(reportRequest(['junit=a=b.xml', 'github'])).toEqual({ junit: 'a=b.xml', github: true });
    for (const bad of ['junit', 'junit=', 'github=x', 'sarif=x', ''])
      expect(() => reportRequest([bad])).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
  });
});
