import { noRightCodes } from '../../node/command.js';
import type { Check } from '../check.js';

/** May the login run the kit as root? */
export const sudoCheck: Check = {
  id: 'sudo',
  blocks: true,
  async run(context) {
    if (context.target.user === 'root') return { state: 'ok', detail: 'the login is root' };
    const answer = await context.hello();
    if (answer.kind !== 'refused' || !noRightCodes.includes(answer.code))
      return { state: 'ok', detail: 'sudo runs the kit' };
    return { state: 'bad', detail: answer.reason, hint: hintOf(answer.code, context.node.id) };
  },
};

function hintOf(code: string, node: string): string {
  switch (code) {
    case 'SUDO_PASSWORD':
      return 'add --ask-sudo-password or --sudo-password-file FILE';
    case 'SUDO_WRONG_PASSWORD':
      return 'correct the password: it was tried once';
    case 'SUDO_TTY':
      return 'edit the node’s sudoers with visudo, as root';
    default:
      return `edgectl node prepare ${node} (needs root once)`;
  }
}

/** Is the node prepared, for this fleet and under this name, with a kit that speaks our protocol? */
export const kitCheck: Check = {
  id: 'kit',
  blocks: true,
  async run(context) {
    const { node } = context;
    const answer = await context.hello();
    const prepare = `edgectl node prepare ${node.id}`;
    if (answer.kind === 'refused' && answer.code === 'KIT_PROTOCOL')
      return {
        state: 'bad',
        detail: answer.reason,
        hint: 'docs/reference/node-protocol.md, section 9',
      };
    if (answer.kind === 'refused') return { state: 'bad', detail: answer.reason || answer.code, hint: prepare };
    if (answer.kind !== 'ok') return { state: 'bad', detail: answer.message, hint: `try again, then: ${prepare}` };
    const hello = answer.lines.find((line) => line.t === 'hello');
    if (hello === undefined) return { state: 'bad', detail: 'the kit does not say who it is', hint: prepare };
    if (hello['node'] !== node.id) {
      const hint = `the address belongs to another node: correct fleet.yaml, or ${prepare}`;
      return { state: 'bad', detail: `the kit says it is ${String(hello['node'])}, not ${node.id}`, hint };
    }
    const versions = `protocol ${String(hello['protocol_min'])} to ${String(hello['protocol_max'])}`;
    return { state: 'ok', detail: `kit ${String(hello['kit'])}, ${versions}` };
  },
};
