import { nodeStateRow } from '../../plan/states.js';
import { stateWords } from '../states.js';
import type { ReportedError, ReportedNode, ReportedRun } from './types.js';
import { attribute, content, xmlHead as head } from './xml.js';

/**
 * JUnit XML of a run: a suite per stage, a case per node. What counts as failed in a gate, and every refusal, is a failure; what is not known yet
 * is an error; nodes that are away, blocked or left out are skipped. Format: the schema of the Jenkins xUnit plugin, which GitHub and GitLab readers share.
 */
export function junitOfRun(run: ReportedRun): string {
  const stages = [...new Set(run.nodes.map((node) => node.stage))];
  const suites = stages.map((stage) => suite(stage, run));
  return document(`${run.command} (${run.fleet})`, run.nodes, run.elapsedMs, suites.join(''));
}

/** JUnit XML of a command that did not come to a run: one case, one error. */
export function junitOfError(error: ReportedError): string {
  const text = [error.message, ...(error.hint === undefined ? [] : [error.hint])].join('\n');
  const body =
    `  <testsuite name="${attribute(error.command)}" tests="1" failures="0" errors="1" skipped="0" time="0">\n` +
    `    <testcase classname="edgectl" name="${attribute(error.command)}" time="0">\n` +
    `      <error type="${attribute(error.code)}" message="${attribute(error.message)}">${content(text)}</error>\n` +
    '    </testcase>\n  </testsuite>\n';
  return `${head}<testsuites name="${attribute(error.command)}" tests="1" failures="0" errors="1" time="0">\n${body}</testsuites>\n`;
}

type Verdict = 'passed' | 'failure' | 'error' | 'skipped';

function verdictOf(node: ReportedNode): Verdict {
  const row = nodeStateRow(node.state);
  if (row.scored === 'failure' || node.state === 'refused' || node.state === 'stale') return 'failure';
  if (node.state === 'in_doubt' || node.state === 'applying' || node.state === 'staged') return 'error';
  return row.scored === 'success' || node.state === 'noop' ? 'passed' : 'skipped';
}

function tally(nodes: readonly ReportedNode[]): Record<Verdict, number> {
  const counts: Record<Verdict, number> = { passed: 0, failure: 0, error: 0, skipped: 0 };
  for (const node of nodes) counts[verdictOf(node)] += 1;
  return counts;
}

function document(name: string, nodes: readonly ReportedNode[], elapsedMs: number, body: string): string {
  const { failure, error } = tally(nodes);
  const numbers = `tests="${nodes.length}" failures="${failure}" errors="${error}" time="${seconds(elapsedMs)}"`;
  return `${head}<testsuites name="${attribute(name)}" ${numbers}>\n${body}</testsuites>\n`;
}

function suite(stage: string, run: ReportedRun): string {
  const nodes = run.nodes.filter((node) => node.stage === stage);
  const { failure, error, skipped } = tally(nodes);
  const total = nodes.reduce((sum, node) => sum + node.elapsedMs, 0);
  const name = stage === '' ? 'in no stage' : stage;
  const numbers = `tests="${nodes.length}" failures="${failure}" errors="${error}" skipped="${skipped}" time="${seconds(total)}"`;
  const cases = nodes.map((node) => testCase(node, `${run.fleet}.${name}`)).join('');
  // The schema wants a time without an offset.
  const timestamp = run.startedAt.slice(0, 19);
  return (
    `  <testsuite name="${attribute(name)}" timestamp="${timestamp}" ${numbers}>\n` +
    `    <properties>\n      <property name="run" value="${attribute(run.run)}"/>\n    </properties>\n${cases}  </testsuite>\n`
  );
}

function testCase(node: ReportedNode, classname: string): string {
  const open = `    <testcase classname="${attribute(classname)}" name="${attribute(node.node)}" time="${seconds(node.elapsedMs)}"`;
  const verdict = verdictOf(node);
  if (verdict === 'passed') return `${open}/>\n`;
  const said = node.message === '' ? stateWords[node.state].word : node.message;
  if (verdict === 'skipped')
    return `${open}>\n      <skipped message="${attribute(`${node.state}: ${said}`)}"/>\n    </testcase>\n`;
  const type = node.why === undefined ? node.state : `${node.state}: ${node.why}`;
  const inside = `      <${verdict} type="${attribute(type)}" message="${attribute(said)}">${content(said)}</${verdict}>\n`;
  const log = node.log === undefined ? '' : `      <system-err>${content(node.log)}</system-err>\n`;
  return `${open}>\n${inside}${log}    </testcase>\n`;
}

function seconds(ms: number): string {
  return (ms / 1000).toFixed(3);
}
