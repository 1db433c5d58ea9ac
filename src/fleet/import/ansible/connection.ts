import type { ImportedNode, Origin, Remark } from '../model.js';
import { readSshArguments } from '../ssh-arguments.js';
import { shellWords } from '../shell-words.js';
import type { TemplateScope } from './template.js';
import { fillTemplate } from './template.js';
import type { Var } from './value.js';

/** Every spelling, the strongest last (as Ansible's ssh plugin looks them up). */
const spellings = {
  host: ['ansible_host', 'ansible_ssh_host'],
  port: ['ansible_port', 'ansible_ssh_port'],
  user: ['ansible_user', 'ansible_ssh_user'],
  key: ['ansible_private_key_file', 'ansible_ssh_private_key_file'],
} as const;
const argumentVars = ['ansible_ssh_args', 'ansible_ssh_common_args', 'ansible_ssh_extra_args'];
const connections = new Set(['ssh', 'smart', 'openssh', 'paramiko', 'paramiko_ssh', 'libssh']);

type Connection = Pick<ImportedNode, 'address' | 'port' | 'user' | 'identity' | 'via' | 'transport'>;

/**
 * How a host is reached, out of its variables. Undefined when it is not reached by SSH at all, or not in a way that is
 * understood; the remarks say which.
 */
export function connectionOf(scope: TemplateScope, origin: Origin, remarks: Remark[]): Connection | undefined {
  const reader = new ConnectionReader(scope, origin, remarks);
  return reader.run();
}

class ConnectionReader {
  private failed = false;

  constructor(
    private readonly scope: TemplateScope,
    private readonly origin: Origin,
    private readonly remarks: Remark[],
  ) {}

  run(): Connection | undefined {
    const { host } = this.scope;
    const kind = this.read(['ansible_connection']);
    const plugin = kind?.text.replace(/^ansible\.(builtin|netcommon|posix)\./, '') ?? 'ssh';
    if (!connections.has(plugin)) {
      this.say('left-out', kind?.origin ?? this.origin, `${host} is not reached by SSH (ansible_connection=${plugin})`);
      return undefined;
    }
    const address = this.read(spellings.host)?.text ?? host;
    const port = this.port();
    const user = this.read(spellings.user)?.text;
    const key = this.read(spellings.key)?.text;
    const args = this.arguments();
    if (this.failed) return undefined;
    const chosenPort = port ?? args.port;
    const chosenUser = user ?? args.user;
    return {
      address: address.replace(/^\[(.*)\]$/, '$1'),
      identity: [...(key === undefined ? [] : [key]), ...args.identity],
      via: args.via ?? [],
      ...(chosenPort === undefined ? {} : { port: chosenPort }),
      ...(chosenUser === undefined ? {} : { user: chosenUser }),
      ...(args.openssh === undefined ? {} : { transport: 'openssh' as const }),
    };
  }

  private say(level: Remark['level'], origin: Origin, message: string): void {
    this.remarks.push({ level, file: origin.file, line: origin.line, message });
    if (level === 'error') this.failed = true;
  }

  /** The strongest spelling that is set, filled in. */
  private read(names: readonly string[]): { name: string; text: string; origin: Origin } | undefined {
    let found: { name: string; variable: Var } | undefined;
    for (const name of names) {
      const variable = this.scope.vars.get(name);
      if (variable !== undefined) found = { name, variable };
    }
    if (found === undefined) return undefined;
    const { name, variable } = found;
    const { value, origin } = variable;
    if (value.kind !== 'scalar') {
      const what = value.kind === 'vault' ? 'is encrypted by ansible-vault' : 'is not one value';
      this.say('error', origin, `${name} of ${this.scope.host} ${what}`);
      return undefined;
    }
    const text = fillTemplate(value.text, this.scope);
    if (typeof text !== 'string') {
      this.say(
        'error',
        origin,
        `${name} of ${this.scope.host} is a template that only Ansible can fill in: ${text.why}`,
      );
      return undefined;
    }
    return text.trim() === '' ? undefined : { name, text: text.trim(), origin };
  }

  private port(): number | undefined {
    const port = this.read(spellings.port);
    if (port === undefined) return undefined;
    if (/^\d{1,5}$/.test(port.text) && Number(port.text) >= 1 && Number(port.text) <= 65_535) return Number(port.text);
    this.say(
      'error',
      port.origin,
      `${port.name} of ${this.scope.host}: expected a port from 1 to 65535, found “${port.text}”`,
    );
    return undefined;
  }

  private arguments(): ReturnType<typeof readSshArguments> {
    const words: string[] = [];
    let origin = this.origin;
    for (const name of argumentVars) {
      const given = this.read([name]);
      if (given === undefined) continue;
      const split = shellWords(given.text);
      if (typeof split === 'string') this.say('error', given.origin, `${name} of ${this.scope.host}: ${split}`);
      else words.push(...split);
      origin = given.origin;
    }
    const found = readSshArguments(words);
    const unknown = [...found.unknown, ...(found.rest.length > 0 ? [`“${found.rest.join(' ')}” is no option`] : [])];
    for (const what of unknown) this.say('error', origin, `SSH arguments of ${this.scope.host}: ${what}`);
    if (found.openssh !== undefined)
      this.say('note', origin, `${this.scope.host} needs the ssh program (transport: openssh): ${found.openssh}`);
    return found;
  }
}
