import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { junitOfError, junitOfRun } from '../../../../src/render/reports/junit.js';
import { JUnitFile } from '../../../helpers/junit-file.js';
import { requires } from '../../../helpers/requires.js';
import { hostile, reportedRun } from './sample-report.js';

describe.skipIf(requires('xmllint').skip)('a JUnit report', () => {
  const file = new JUnitFile();
  const valid = (xml: string): string => file.valid(xml);
  const value = (xml: string, path: string): string => file.value(xml, path);
  afterAll(() => file.remove());

  it('follows the schema, and a broken one does not', () => {
    expect(valid(junitOfRun(reportedRun()))).toBe('');
    expect(() => valid(junitOfRun(reportedRun()).replace('tests="7"', 'tests="many"'))).toThrow();
  });

  it('counts a revert and a refusal as failures, doubt as an error, absence as skipped', () => {
    const xml = junitOfRun(reportedRun());
    const numbers = ['tests', 'failures', 'errors'].map((name) => value(xml, `/testsuites/@${name}`));
    expect(numbers).toEqual(['7', '2', '1']);
    expect(value(xml, 'count(//testcase[failure])')).toBe('2');
    expect(value(xml, '//testcase[error]/@name')).toBe('pos-005');
    expect(value(xml, '//testsuite[@name="rest"]/@skipped')).toBe('2');
    expect(value(xml, '//testcase[@name="pos-003"]/skipped/@message')).toBe('offline: no route to host');
    expect(value(xml, '//testcase[@name="pos-002"]/failure/@type')).toBe('rolled_back: health');
    expect(value(xml, '//testcase[@name="pos-002"]/system-err')).toBe('level=fatal msg="no"\nlast line');
    expect(value(xml, '//testcase[@name="pos-001"]/@time')).toBe('12.345');
  });

  it('says in one case why a command did not come to a run', () => {
    const error = { command: 'apply', code: 'PLAN_EXPIRED', message: 'too <late>', hint: 'again', exitCode: 8 };
    const xml = junitOfError(error);
    expect(valid(xml)).toBe('');
    expect(value(xml, '//error/@type')).toBe('PLAN_EXPIRED');
    expect(value(xml, '//error')).toBe('too <late>\nagain');
  });

  it('holds no more cases than nodes, whatever they print', () => {
    const nodes = hostile.map((text) => ({ state: 'failed' as const, message: text, why: text, log: text }));
    const xml = junitOfRun(reportedRun(nodes));
    expect(valid(xml)).toBe('');
    expect(value(xml, 'count(//testcase)')).toBe(String(hostile.length));
    expect(value(xml, '(//testcase)[3]/failure/@message')).toBe(hostile[2]);
  });

  it('stays well-formed for any text at all', () => {
    const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 60 }), { numRuns: 300, seed: 7 });
    const xml = junitOfRun(reportedRun(texts.map((text) => ({ state: 'failed' as const, message: text, log: text }))));
    expect(valid(xml)).toBe('');
    expect(value(xml, 'count(//testcase)')).toBe('300');
  });
});
