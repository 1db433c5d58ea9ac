import { parseFacts, type NodeFacts } from '../../facts/facts.js';
import type { Check, CheckContext, Finding } from '../check.js';

const maxSkewS = 300;
const minFreeBytes = 512 * 1024 * 1024;

async function withFacts(context: CheckContext, judge: (facts: NodeFacts) => Finding): Promise<Finding> {
  const answer = await context.facts();
  if (answer.kind === 'ok') return judge(parseFacts(answer.lines, { kit: true, now: context.clock.now() }));
  const detail = answer.kind === 'refused' ? `${answer.code}: ${answer.reason}` : answer.message;
  return {
    state: 'bad',
    detail: `facts cannot be read: ${detail}`,
    hint: `edgectl node facts ${context.node.id} --debug`,
  };
}

/** Is the node's clock near ours? A wrong clock does not stop a rollout (series come first) but expiry is then not checked. */
export const clockCheck: Check = {
  id: 'clock',
  blocks: false,
  run: (context) =>
    withFacts(context, ({ clockSkewS }) => {
      if (clockSkewS === undefined) return { state: 'warn', detail: 'the node did not tell its time' };
      const detail = `the clock differs by ${Math.abs(clockSkewS)} s`;
      if (Math.abs(clockSkewS) <= maxSkewS) return { state: 'ok', detail };
      return { state: 'warn', detail, hint: 'on the node: timedatectl set-ntp true' };
    }),
};

/** Is there room for a bundle, on a file system that can be written? */
export const diskCheck: Check = {
  id: 'disk',
  blocks: false,
  run: (context) =>
    withFacts(context, ({ disk }) => {
      if (disk === undefined) return { state: 'warn', detail: 'the node did not tell about its disk' };
      const free = `${Math.floor(disk.freeBytes / 1048576)} MiB are free`;
      if (disk.readOnly) {
        const hint = 'mount a file system that can be written at /var/lib/edgectl';
        return { state: 'bad', detail: 'the store is on a read-only file system', hint };
      }
      if (disk.freeBytes >= minFreeBytes) return { state: 'ok', detail: free };
      return {
        state: 'bad',
        detail: `only ${free}`,
        hint: 'free space below /var/lib (edgectl keeps old bundles until gc)',
      };
    }),
};

/** Does systemd run the node, new enough for the kit? */
export const initCheck: Check = {
  id: 'init',
  blocks: false,
  run: (context) =>
    withFacts(context, ({ init }) => {
      if (init === undefined) return { state: 'warn', detail: 'the node did not tell its init' };
      const detail = `${init.kind} ${init.version ?? ''}`.trim();
      if (init.kind === 'sandbox') return { state: 'ok', detail: `${detail} (lab)` };
      if (init.kind !== 'systemd')
        return { state: 'bad', detail, hint: 'only nodes that run systemd can be rolled out to' };
      if (init.version !== undefined && init.version < 240) {
        return { state: 'bad', detail, hint: 'systemd 240 or later is needed' };
      }
      return { state: 'ok', detail };
    }),
};
