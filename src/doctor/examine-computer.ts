import { EdgectlError } from '../errors/error.js';
import type { Fleet } from '../fleet/types.js';
import { escapeForTerminal } from '../util/escape.js';
import type { CheckResult, Finding } from './check.js';
import { agentCheck } from './computer/agent.js';
import { bastionsCheck } from './computer/bastions.js';
import type { Computer, ComputerCheck, FleetCheck } from './computer/check.js';
import { clockCheck } from './computer/clock.js';
import { diskCheck } from './computer/disk.js';
import { journalCheck } from './computer/journal.js';
import { knownHostsCheck } from './computer/known-hosts.js';
import { loginKeysCheck } from './computer/login-keys.js';
import { nodeVersionCheck } from './computer/node-version.js';
import { settingsCheck } from './computer/settings.js';
import { signingKeyCheck } from './computer/signing-key.js';
import { signingToolCheck, sshCheck } from './computer/tools.js';

const alone: readonly ComputerCheck[] = [nodeVersionCheck, signingToolCheck, settingsCheck];
const withFleet: readonly (ComputerCheck | FleetCheck)[] = [
  sshCheck,
  signingKeyCheck,
  agentCheck,
  loginKeysCheck,
  knownHostsCheck,
  journalCheck,
  clockCheck,
  diskCheck,
  bastionsCheck,
];

/** Run every check of the operator's own computer. None stops the others, but most need a fleet to look at. */
export async function examineComputer(computer: Computer): Promise<CheckResult[]> {
  const results: CheckResult[] = [];
  for (const check of alone) results.push(await result(check.id, () => check.run(computer)));
  const { fleet, finding } = await findFleet(computer);
  results.push(await result('fleet', () => Promise.resolve(finding)));
  for (const check of withFleet) {
    if (!('needsFleet' in check)) results.push(await result(check.id, () => check.run(computer)));
    else if (fleet !== undefined) results.push(await result(check.id, () => check.run(computer, fleet)));
    else results.push({ id: check.id, state: 'skipped', detail: 'not looked at: fleet comes first' });
  }
  return results;
}

async function findFleet(computer: Computer): Promise<{ fleet?: Fleet; finding: Finding }> {
  try {
    const fleet = await computer.fleet();
    return { fleet, finding: { state: 'ok', detail: `${fleet.name}, ${fleet.nodes.length} nodes, in ${fleet.dir}` } };
  } catch (error) {
    if (!(error instanceof EdgectlError)) throw error;
    const hint = error.hint ?? 'edgectl fleet check';
    if (error.code === 'CONFIG_NOT_FOUND') return { finding: { state: 'warn', detail: error.message, hint } };
    const more = error.lines[0] === undefined ? '' : `: ${error.lines[0]}`;
    return { finding: { state: 'bad', detail: `${error.message}${more}`, hint } };
  }
}

async function result(id: string, run: () => Promise<Finding>): Promise<CheckResult> {
  const finding = await run();
  return { id, ...finding, detail: escapeForTerminal(finding.detail) };
}
