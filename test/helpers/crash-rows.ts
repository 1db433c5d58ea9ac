/*
 * The crash matrix (node-kit, 26 rows): which test shows each row, and where. docs/concepts/crash-matrix.md is made from this, and a unit
 * test looks each name up in the test file that it is said to stand in.
 */

/** A test by its file below `test/` and its title as the file writes it, `${…}` for what is filled in. */
export type NamedTest = readonly [file: string, title: string];

/** Where a row is shown; a sentence is the reason why it is not shown there. */
export interface CrashRow {
  row: number;
  injection: string;
  expected: string;
  sandbox: readonly NamedTest[] | string;
  machine: readonly NamedTest[] | string;
  image: readonly NamedTest[] | string;
}

const matrix = 'integration/kit/crash-matrix.test.ts';
const trials = 'integration/kit/trials.test.ts';
const faults = 'integration/kit/faults.test.ts';
const refusals = 'integration/kit/refusals.test.ts';
const verbs = 'integration/kit/verbs.test.ts';
const machines = 'machines/kit.test.ts';
const power = 'machines/power.test.ts';
const classC = 'machines/class-c.test.ts';

const everyFailpoint: NamedTest = [matrix, 'survives $injection at failpoint $failpoint ($at): $expect'];
const everyState: NamedTest = [
  matrix,
  'survives $injection at failpoint $failpoint ($at) with the state of the version that counts: $expect',
];
const killing = 'a killed process is the same there';
const sameCode = 'not run: the same shell code as in the sandbox';
const noCut = 'no power cut in it';
const onImage = 'on the loop image';

/** The rows, in order. */
export const crashRows: readonly CrashRow[] = [
  {
    row: 1,
    injection: 'kill -9 of the runner before the switch (failpoints 1–7)',
    expected: 'old, workloads untouched; a retry comes to new',
    sandbox: [everyFailpoint, everyState],
    machine: killing,
    image: noCut,
  },
  {
    row: 2,
    injection: 'kill -9 in the trial, before the pointer (8–13; class C: 19–22 and the way back, 23–25)',
    expected: 'old within seconds, REVERTED runner-died',
    sandbox: [
      everyFailpoint,
      everyState,
      [matrix, 'puts the state back although what does so is killed at failpoint %i'],
    ],
    machine: killing,
    image: noCut,
  },
  {
    row: 3,
    injection: 'kill -9 after the pointer (14–18)',
    expected: 'new, the journal closed with COMMIT',
    sandbox: [everyFailpoint, everyState],
    machine: killing,
    image: noCut,
  },
  {
    row: 4,
    injection: 'power cut before the pointer (1–13; class C: 19–22)',
    expected: 'boots on old, REVERTED power, not denied; class C with the state from before',
    sandbox: [everyFailpoint, everyState],
    machine: onImage,
    image: [
      [power, 'cut while staging, at failpoint ${…}: boots on the old versions'],
      [power, 'goes on with the same run after a cut while staging'],
      [power, 'cut in the transaction, at failpoint ${…}: boots on the old versions and says that it was the power'],
      [
        classC,
        'cannot be started by anybody while its state is copied, and gets it back when the power goes in the trial',
      ],
    ],
  },
  {
    row: 5,
    injection: 'power cut between the rename and its sync (14)',
    expected: 'old or new, never anything else; nothing was acknowledged',
    sandbox: [everyFailpoint, everyState, [matrix, 'fails when the pointer is not renamed atomically']],
    machine: onImage,
    image: [
      [
        power,
        'cut between the rename and its sync, at failpoint 14: old or new, never in between, and nothing was acknowledged',
      ],
      [power, 'notices when the pointer is not replaced atomically: for a moment it leads nowhere'],
    ],
  },
  {
    row: 6,
    injection: 'power cut after the sync (15–18)',
    expected: 'new; recovering twice changes nothing',
    sandbox: [everyFailpoint, everyState],
    machine: onImage,
    image: [
      [power, 'cut behind the decision, at failpoint ${…}: boots on the new versions and closes the journal'],
      [power, 'keeps a commit that it acknowledged, although the power goes at that moment'],
      [power, 'notices when the syncs are taken out of the kit: an acknowledged commit is lost'],
      [classC, 'is committed with its state migrated, over a power cut at the moment of the acknowledgement'],
    ],
  },
  {
    row: 7,
    injection: 'power cut while the state of class C is put back (23–25)',
    expected: 'put back again, byte for byte',
    sandbox: [
      [matrix, 'puts the state back again after two power cuts in the middle of it, at failpoint $failpoint ($at)'],
      [matrix, 'fails when the state is not put back'],
    ],
    machine: onImage,
    image: [[classC, 'gets its state back when the power goes in the middle of that, at failpoint %i: %s']],
  },
  {
    row: 8,
    injection: 'the connection drops, or the operator is killed, at any point',
    expected: 'the transaction goes on; without a confirmation it is taken back at its deadline',
    sandbox: [
      [faults, 'goes on when the connection that asked for it is cut, and reverts when nobody comes back'],
      [
        'integration/rollout/crashes.test.ts',
        'finds every trial reverted when nobody came back, and tries again when asked',
      ],
    ],
    machine: [
      [
        'machines/rollout.test.ts',
        'rolls out canary first, past a machine that is off, one that crashes, one that is cut off, two power cuts, and its own death',
      ],
    ],
    image: [[power, 'reverts by its dead-man alone when nobody confirms and the runner hangs']],
  },
  {
    row: 9,
    injection: 'the answer to the confirmation is lost after the commit',
    expected: 'the node says COMMIT, and says it again',
    sandbox: [[faults, 'whose confirmation is lost on its way back is committed, says so, and says so again']],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 10,
    injection: 'confirmed at the deadline, a second before it and a second after it',
    expected: 'one verdict, which both sides are told',
    sandbox: [
      [faults, 'that is confirmed when %i s of its time are left has one verdict, which both sides are told'],
      [trials, 'confirmed at its deadline is committed or reverted, and both sides are told the same'],
    ],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 11,
    injection: 'a corrupted, truncated or HTML download, a wrong signature',
    expected: 'refused, nothing switched',
    sandbox: [
      [refusals, 'whose bytes are others than the slice wants, naming both digests'],
      [refusals, 'that are not archives'],
      [refusals, 'whose statement is signed by somebody else'],
      [verbs, 'goes on with a bundle where the connection was lost'],
    ],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 12,
    injection: 'the disk is full: staging, at the journal, at the commit, at the copy of the state',
    expected: 'refused by name, or taken back without a write; acknowledged is what is committed',
    sandbox: [
      [verbs, 'stops an update by name while it is staged, and does not keep a trial from being taken back'],
      [faults, 'is full at the journal or at the commit: acknowledged is what is committed, also after a boot'],
      [faults, 'turns read-only before the commit, which is then none'],
      [faults, 'cannot make the commit last: it is acknowledged as none, and is none after a boot'],
      ['integration/kit/class-c.test.ts', 'is not touched when there is no room for its copy'],
      ['integration/kit/class-c.test.ts', 'goes back also when the new version has filled the disk'],
    ],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 13,
    injection: 'the file system turns read-only in the trial',
    expected: 'taken back in memory alone, and told',
    sandbox: [[faults, 'turns read-only in a trial, which is taken back without a write, and tells so']],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 14,
    injection: 'the new version crashes after a while',
    expected: 'REVERTED crash, denied',
    sandbox: [
      [trials, 'of a runtime that crashes after a while reverts by itself, keeps the log and denies the bundle'],
      ['integration/kit/class-c.test.ts', 'gets its state back when the new version dies after its migration'],
    ],
    machine: [
      [machines, 'reverts by itself when the new runtime crashes after seconds of health, and does not try it again'],
    ],
    image: noCut,
  },
  {
    row: 15,
    injection: 'it hangs at its start; a probe hangs',
    expected: 'REVERTED hang',
    sandbox: [
      [trials, 'of a runtime that never becomes ready reverts as hung'],
      [faults, 'whose probe never ends is taken back as hung'],
    ],
    machine: 'the sandbox’s init ends a start that takes too long as systemd does; not run under systemd',
    image: noCut,
  },
  {
    row: 16,
    injection: 'flapping health',
    expected: 'never enough passes in a row: taken back at the cap',
    sandbox: [[trials, 'whose probe flaps never gathers its passes and reverts at the cap']],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 17,
    injection: 'the old version is unhealthy as well, or its state cannot be put back',
    expected: 'BROKEN, nothing loops, nothing starts on a state that is not its own',
    sandbox: [
      [trials, 'is BROKEN when the old version is unhealthy as well, and nothing loops'],
      ['integration/kit/class-c.test.ts', 'keeps its unit from starting, over every boot, until it could be put back'],
    ],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 18,
    injection: 'the wall clock jumps by ten years, either way',
    expected: 'nothing changes',
    sandbox: [
      [faults, 'jumps by %i s in a trial, and the confirmation still counts'],
      [faults, 'jumps by %i s in a trial, and the deadline comes when it was to come'],
    ],
    machine:
      'not run: the machines have the clock of the computer that they run on, and it cannot be set for one of them',
    image: noCut,
  },
  {
    row: 19,
    injection: 'daemon-reload and daemon-reexec in the trial',
    expected: 'the dead-man still comes',
    sandbox: 'it has no systemd',
    machine: [[machines, 'keeps its dead-man through daemon-reload and daemon-reexec']],
    image: noCut,
  },
  {
    row: 20,
    injection: 'somebody reboots the node in the trial',
    expected: 'old, REVERTED reboot',
    sandbox: [
      [trials, 'ends when the machine is rebooted, and says so'],
      ['integration/kit/class-c.test.ts', 'goes back at the boot when the machine is rebooted in the trial'],
    ],
    machine: [
      [machines, 'boots into the old version when someone reboots it in the trial, and stays there over another boot'],
    ],
    image: noCut,
  },
  {
    row: 21,
    injection: 'the dead-man cannot be armed',
    expected: 'ABORT deadman, before the switch',
    sandbox: [[faults, 'does not begin without its dead-man: %s']],
    machine: 'not run: nothing on a machine can be broken so that systemd-run alone fails',
    image: [[power, 'notices when the dead-man is taken out of the kit: the trial stays']],
  },
  {
    row: 22,
    injection: 'a second transaction',
    expected: 'BUSY, by name',
    sandbox: [[trials, 'keeps a second transaction out, by name']],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 23,
    injection: '`committed` leads nowhere, is empty or is gone; what it names is damaged',
    expected: 'the newest generation that was ever committed and is whole, and an event',
    sandbox: [
      [faults, 'that %s is made again from the newest generation that was ever committed, and that is told'],
      [trials, 'never recovers to a generation that only was staged, nor to a damaged one'],
      [
        'integration/kit/class-c.test.ts',
        'is not given to another version than was committed when the committed one is damaged',
      ],
    ],
    machine: sameCode,
    image: noCut,
  },
  {
    row: 24,
    injection: 'the new runtime cuts the network',
    expected: 'no confirmation can come: taken back; reachable again',
    sandbox: 'its nodes have no network of their own',
    machine: [[machines, 'reverts alone when its network is cut in the trial, and tells so when it is back']],
    image: noCut,
  },
  {
    row: 25,
    injection: 'the restart takes longer than others wait (Nomad’s heartbeat_grace)',
    expected: 'refused in the preflight, by what the driver says (`service.grace`)',
    sandbox: [[faults, 'is refused to a service that others would miss before it is back']],
    machine: 'not run with Nomad: no driver for it comes with edgectl, and eligibility is not set by it',
    image: noCut,
  },
  {
    row: 26,
    injection: 'three power cuts in three trials',
    expected: 'stays old, not denied; no fourth attempt without being asked for',
    sandbox: [
      [faults, 'that loses its power three times stays old three times, is not denied, and may be tried again'],
      ['unit/executor/executor.test.ts', 'tries a trial that reverted for power again, three times at most'],
    ],
    machine: onImage,
    image: 'single cuts only (row 4): each attempt is a transaction of its own',
  },
];

/** The page. */
export function crashPage(rows: readonly CrashRow[]): string {
  const names: string[] = [];
  const number = new Map<string, number>();
  const cite = ([file, title]: NamedTest): string => {
    const name = `\`${file}\`: ${title.replaceAll('$', '\\$')}`;
    if (!number.has(name)) number.set(name, names.push(name));
    return `[${number.get(name)}]`;
  };
  const cell = (tests: readonly NamedTest[] | string): string =>
    typeof tests === 'string' ? `– ${tests}` : tests.map(cite).join(' ');
  const table = rows.map(
    ({ row, injection, expected, sandbox, machine, image }) =>
      `| ${row} | ${injection} | ${expected} | ${cell(sandbox)} | ${cell(machine)} | ${cell(image)} |`,
  );
  return `${head}
| # | what happens | what must come of it | sandbox | machine | loop image |
|---|---|---|---|---|---|
${table.join('\n')}

## The tests

${names.map((name, index) => `${index + 1}. ${name}`).join('\n')}
${foot}`;
}

const head = `# The crash matrix

Each row is something that can go wrong in the middle of a change, what must come of it, and the tests that show it. Made from
\`test/helpers/crash-rows.ts\`; a unit test fails when this page is not fresh, or when a test that it names does not stand in its file or is
switched off.

- **sandbox**: a node of the embedded lab with the real kit, under dash, busybox and in part bash. A cut there kills every process and empties \`/run\`.
- **machine**: Debian under systemd in a container.
- **loop image**: such a machine whose \`/var/lib/edgectl\` is an ext4 image of its own. A cut there loses what was not synced.
`;
const foot = `
## Not run

- **SELinux in enforcing mode.** The kernels that the tests run on have none. A node that enforces is refused in the preflight (\`init:\`).
- **A reordering disk.** The image loses what was not synced; it does not lose one of two flushed writes.
- **Genuine runtimes of class C.** The rows about state run on a test driver; no driver of this class comes with edgectl.
`;
