import { execFileSync } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { ValidateFunction } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { root, runCli } from '../../helpers/cli.js';
import { labFleet, type LabFleet } from '../../helpers/lab-fleet.js';
import { requires } from '../../helpers/requires.js';

const rollout = ['rollout', 'runtime', '--canary', '1', '--policy', 'quick', '--yes'];

describe.skipIf(requires('ssh-keygen', 'xmllint').skip)('reports of a real rollout to CI', () => {
  let fleet: LabFleet;
  let nodes: string[];
  let event: ValidateFunction;
  let envelope: ValidateFunction;

  beforeAll(async () => {
    const ajv = new Ajv2020({ strict: true, strictTypes: false });
    formats.default(ajv);
    const schema = async (name: string): Promise<object> =>
      JSON.parse(await readFile(`${root}docs/reference/schemas/${name}.schema.json`, 'utf8')) as object;
    event = ajv.compile(await schema('events'));
    envelope = ajv.compile(await schema('envelope'));
    fleet = await labFleet(3);
    nodes = Object.keys(await fleet.versions());
    await fleet.want('1.1.0');
  });
  afterAll(async () => fleet?.close());

  const errorsOf = (validate: ValidateFunction, value: unknown): unknown => (validate(value) ? [] : validate.errors);

  it('gives events that follow their schema, a JUnit file that follows its own, and annotations', async () => {
    await fleet.edgectl('lab', 'break', nodes[2] ?? '', '--how', 'offline');
    const [junit, summary] = [join(fleet.home, 'rollout.xml'), join(fleet.home, 'summary.md')];
    const run = await runCli([...rollout, '-o', 'ndjson', '--report', `junit=${junit}`, '--report', 'github'], {
      env: { ...fleet.env, GITHUB_STEP_SUMMARY: summary },
    });
    expect(run.exitCode).toBe(3);

    const events = run.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string });
    for (const one of events) expect([one, errorsOf(event, one)]).toEqual([one, []]);
    expect(events.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 3 });
    expect(errorsOf(event, { ...events[0], type: 'made-up' })).not.toEqual([]);

    execFileSync('xmllint', ['--noout', '--schema', `${root}test/fixtures/junit.xsd`, junit], { stdio: 'ignore' });
    const xml = await readFile(junit, 'utf8');
    for (const node of nodes) expect(xml).toContain(`name="${node}"`);
    expect(xml).toMatch(new RegExp(`name="${nodes[2]}"[^>]*>\\s*<skipped message="offline:`));

    const lines = run.stderr.split('\n');
    const stop = lines.findIndex((line) => line.startsWith('::stop-commands::'));
    const resume = lines.indexOf(`::${lines[stop]?.slice('::stop-commands::'.length)}::`);
    const ours = lines.flatMap((line, index) => (/^::(error|warning|notice) /.test(line) ? [index] : []));
    expect(stop).toBe(0);
    expect(Math.min(...ours)).toBeGreaterThan(resume);
    expect(lines[ours[0] ?? 0]).toContain(`::warning title=deferred%3A ${nodes[2]}`);
    expect(await readFile(summary, 'utf8')).toContain('### edgectl rollout runtime: finished with stragglers');
  });

  it('reports all nodes after a resume, also those that were done before', async () => {
    await fleet.edgectl('lab', 'heal', nodes[2] ?? '');
    const junit = join(fleet.home, 'resume.xml');
    const { exitCode, envelope: said } = await fleet.json('resume', 'last', '--report', `junit=${junit}`);
    expect(exitCode).toBe(0);
    expect(errorsOf(envelope, said)).toEqual([]);
    expect((await readFile(junit, 'utf8')).match(/<testcase [^>]*\/>/g)).toHaveLength(3);
  });

  it('reports an error of the command, too, and refuses before anything is changed when it could not report', async () => {
    const junit = join(fleet.home, 'error.xml');
    const plan = join(fleet.home, 'plan.json');
    await writeFile(plan, '{}');
    const refused = await fleet.json('apply', plan, '--yes', '--report', `junit=${junit}`);
    expect(refused.exitCode).toBe(64);
    expect(errorsOf(envelope, refused.envelope)).toEqual([]);
    expect(await readFile(junit, 'utf8')).toContain(`<error type="${refused.envelope.error?.code}"`);

    const nowhere = await fleet.json(...rollout, '--report', `junit=${fleet.home}/none/such.xml`);
    expect(nowhere.exitCode).toBe(64);
    expect(nowhere.envelope.error?.code).toBe('USAGE');
    expect((await fleet.json('run', 'list')).envelope.result.runs).toHaveLength(1);
  });
});
