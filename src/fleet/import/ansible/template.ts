import type { Group, Inventory } from './inventory.js';
import type { Var } from './value.js';

/** What a template may look at. */
export interface TemplateScope {
  host: string;
  vars: ReadonlyMap<string, Var>;
  groups: readonly Group[];
  inventory: Inventory;
  /** Variables of another host. */
  varsOf: (host: string) => ReadonlyMap<string, Var> | undefined;
}

/** A template that only Ansible itself can fill in. */
class NotFillable extends Error {}

const deepest = 20;
const token = /\s*(?:("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(\d+)|([A-Za-z_]\w*)|(.))/y;

/**
 * Fills `{{ … }}` in as far as names, hostvars, groups, indices and the simple filters go. A text, or why it cannot be
 * done: `{ why }`.
 */
export function fillTemplate(text: string, scope: TemplateScope, depth = 0): string | { why: string } {
  if (!/\{\{|\{%|\{#/.test(text)) return text;
  if (depth > deepest) return { why: 'it refers to itself' };
  if (/\{%|\{#/.test(text)) return { why: 'it has statements' };
  try {
    return text.replace(/\{\{-?(.*?)-?\}\}/gs, (_, expression: string) =>
      asText(new Expression(expression, scope, depth).run(), expression),
    );
  } catch (error) {
    if (error instanceof NotFillable) return { why: error.message };
    throw error;
  }
}

function asText(value: unknown, expression: string): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return String(value);
  if (value === undefined) throw new NotFillable(`“${expression.trim()}” is not defined here`);
  throw new NotFillable(`“${expression.trim()}” is not one value`);
}

class Expression {
  private readonly tokens: string[] = [];
  private at = 0;

  constructor(
    private readonly source: string,
    private readonly scope: TemplateScope,
    private readonly depth: number,
  ) {
    token.lastIndex = 0;
    const text = source.trim();
    for (let match = token.exec(text); match !== null && match[0] !== ''; match = token.exec(text))
      this.tokens.push(match[1] ?? match[2] ?? match[3] ?? match[4] ?? '');
  }

  run(): unknown {
    const value = this.joined();
    if (this.at < this.tokens.length) this.fail();
    return value;
  }

  private fail(): never {
    throw new NotFillable(`“${this.source.trim()}” is more than a name with simple filters`);
  }

  private take(expected?: string): string {
    const word = this.tokens[this.at];
    if (word === undefined || (expected !== undefined && word !== expected)) this.fail();
    this.at += 1;
    return word;
  }

  private joined(): unknown {
    let value = this.filtered();
    while (this.tokens[this.at] === '~' || this.tokens[this.at] === '+') {
      this.take();
      value = asText(value, this.source) + asText(this.filtered(), this.source);
    }
    return value;
  }

  private filtered(): unknown {
    let value = this.primary();
    while (this.tokens[this.at] === '|') {
      this.take('|');
      const name = this.take();
      const args: unknown[] = [];
      if (this.tokens[this.at] === '(') {
        this.take('(');
        while (this.tokens[this.at] !== ')') {
          args.push(this.joined());
          if (this.tokens[this.at] === ',') this.take(',');
        }
        this.take(')');
      }
      value = this.filter(name, value, args);
    }
    return value;
  }

  private filter(name: string, value: unknown, args: readonly unknown[]): unknown {
    if (name === 'default' || name === 'd')
      return value === undefined || (args.length > 1 && value === '') ? (args[0] ?? '') : value;
    if (name === 'first' && Array.isArray(value)) return value[0] as unknown;
    const text = asText(value, this.source);
    if (name === 'lower') return text.toLowerCase();
    if (name === 'upper') return text.toUpperCase();
    if (name === 'trim') return text.trim();
    if (['string', 'mandatory', 'int', 'quote'].includes(name)) return text;
    if (name === 'replace' && args.length === 2)
      return text.replaceAll(asText(args[0], this.source), asText(args[1], this.source));
    return this.fail();
  }

  private primary(): unknown {
    const word = this.take();
    if (/^["']/.test(word)) return word.slice(1, -1).replace(/\\(.)/g, '$1');
    if (/^\d/.test(word)) return Number(word);
    if (word === '(') {
      const inner = this.joined();
      this.take(')');
      return inner;
    }
    if (!/^[A-Za-z_]/.test(word)) this.fail();
    if (word === 'true' || word === 'True' || word === 'false' || word === 'False') return word.toLowerCase();
    if (this.tokens[this.at] === '(') this.fail();
    let value = this.named(word, this.scope.vars, this.scope.host);
    for (;;) {
      const next = this.tokens[this.at];
      if (next === '.') {
        this.take('.');
        value = this.member(value, this.take());
      } else if (next === '[') {
        this.take('[');
        const key = this.joined();
        this.take(']');
        value = this.member(value, key);
      } else return value;
    }
  }

  private named(name: string, vars: ReadonlyMap<string, Var>, host: string): unknown {
    const { scope } = this;
    if (name === 'inventory_hostname') return host;
    if (name === 'inventory_hostname_short') return host.split('.')[0];
    if (name === 'hostvars') return hostvars;
    if (name === 'groups')
      return Object.fromEntries([...scope.inventory.groups].map(([group, { hosts }]) => [group, [...hosts]]));
    if (name === 'group_names') return scope.groups.map((group) => group.name);
    const found = vars.get(name)?.value;
    if (found === undefined) return undefined;
    if (found.kind === 'vault') throw new NotFillable(`${name} is encrypted by ansible-vault`);
    if (found.kind === 'structure') return found.value;
    const filled = fillTemplate(found.text, { ...scope, vars, host }, this.depth + 1);
    if (typeof filled !== 'string') throw new NotFillable(`${name}: ${filled.why}`);
    return filled;
  }

  private member(value: unknown, key: unknown): unknown {
    if (value === hostvars) return new HostRef(String(key));
    if (value instanceof HostRef) {
      const vars = this.scope.varsOf(value.name);
      return vars === undefined ? undefined : this.named(String(key), vars, value.name);
    }
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, String(key)))
      return (value as Record<string, unknown>)[String(key)];
    return undefined;
  }
}

class HostRef {
  constructor(readonly name: string) {}
}
const hostvars = Symbol('hostvars');
