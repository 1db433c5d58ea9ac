import { parseFacts, type NodeFacts } from '../../facts/facts.js';
import type { Check, CheckContext, Finding } from '../check.js';

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

/** Is there room for a bundle? (Whether it can be written is what the kit's own doctor tries.) */
export const diskCheck: Check = {
  id: 'disk',
  blocks: false,
  run: (context) =>
    withFacts(context, ({ diskFreeBytes }) => {
      if (diskFreeBytes === undefined) return { state: 'warn', detail: 'the node did not tell about its disk' };
      const free = `${Math.floor(diskFreeBytes / 1048576)} MiB are free`;
      if (diskFreeBytes >= minFreeBytes) return { state: 'ok', detail: free };
      return { state: 'bad', detail: `only ${free}`, hint: 'free space below /var/lib on the node' };
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

/** Can the node verify signatures? Without it nothing is ever switched there. */
export const signatureCheck: Check = {
  id: 'signatures',
  blocks: false,
  run: (context) =>
    withFacts(context, ({ verifies }) => {
      if (verifies === undefined)
        return { state: 'warn', detail: 'the node did not tell whether it can verify signatures' };
      if (verifies) return { state: 'ok', detail: 'ssh-keygen can verify signatures' };
      const hint = 'install OpenSSH 8.2 or later on the node (apt-get install openssh-client)';
      return { state: 'bad', detail: 'there is no ssh-keygen that can verify signatures', hint };
    }),
};
