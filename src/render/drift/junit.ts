import type { Finding } from '../../drift/types.js';
import { attribute, content, xmlHead } from '../reports/xml.js';
import type { ReportedDrift } from './reported.js';
import { byNode } from './reported.js';
import { labelOf, sentenceOf } from './words.js';

type Node = ReturnType<typeof byNode>[number];

/** JUnit XML of a report: a suite for each site, a case for each node. Unexpected findings fail, a node that was not seen is skipped. */
export function junitOfDrift(drift: ReportedDrift): string {
  const nodes = byNode(drift);
  const sites = [...new Set(nodes.map(({ site }) => site))];
  const { name } = drift.report.fleet;
  const failures = nodes.filter(fails).length;
  const numbers = `tests="${nodes.length}" failures="${failures}" errors="0" time="0.000"`;
  const suites = sites.map((site) =>
    suite(
      site,
      nodes.filter((node) => node.site === site),
      drift,
    ),
  );
  return `${xmlHead}<testsuites name="${attribute(`drift report (${name})`)}" ${numbers}>\n${suites.join('')}</testsuites>\n`;
}

function suite(site: string, nodes: readonly Node[], { report }: ReportedDrift): string {
  const failures = nodes.filter(fails).length;
  const skipped = nodes.filter((node) => !fails(node) && isUnseen(node)).length;
  const numbers = `tests="${nodes.length}" failures="${failures}" errors="0" skipped="${skipped}" time="0.000"`;
  const cases = nodes.map((node) => testCase(node, `${report.fleet.name}.${site}`)).join('');
  return `  <testsuite name="${attribute(site)}" timestamp="${report.at.slice(0, 19)}" ${numbers}>\n${cases}  </testsuite>\n`;
}

function testCase(node: Node, classname: string): string {
  const open = `    <testcase classname="${attribute(classname)}" name="${attribute(node.node)}" time="0.000"`;
  const bad = node.findings.filter(isUnexpected);
  const rest = node.findings.filter((finding) => !isUnexpected(finding)).map(line);
  const said = rest.length === 0 ? '' : `      <system-err>${content(rest.join('\n'))}</system-err>\n`;
  const [first] = bad;
  if (first !== undefined) {
    const message = `${line(first)}${bad.length === 1 ? '' : ` and ${bad.length - 1} more`}`;
    const failure = `      <failure type="${attribute(`drift/${first.kind}`)}" message="${attribute(message)}">${content(bad.map(line).join('\n'))}</failure>\n`;
    return `${open}>\n${failure}${said}    </testcase>\n`;
  }
  if (isUnseen(node)) {
    const why = node.findings.find(({ kind }) => kind === 'unseen')?.why ?? '';
    return `${open}>\n      <skipped message="${attribute(why)}"/>\n${said}    </testcase>\n`;
  }
  return said === '' ? `${open}/>\n` : `${open}>\n${said}    </testcase>\n`;
}

function line(finding: Finding): string {
  return `${labelOf(finding)} ${sentenceOf(finding, true)}`;
}

function isUnexpected(finding: Finding): boolean {
  return finding.class === 'unexpected';
}

function fails({ findings }: Node): boolean {
  return findings.some(isUnexpected);
}

function isUnseen({ findings }: Node): boolean {
  return findings.some(({ kind }) => kind === 'unseen');
}
