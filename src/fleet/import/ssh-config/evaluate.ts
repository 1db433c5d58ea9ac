import type { Origin, Remark } from '../model.js';
import type { Directive } from './parse.js';

/** What ssh would use for one host: the first value of each option, every IdentityFile. */
export interface Evaluated {
  options: ReadonlyMap<string, { value: string; origin: Origin }>;
  identities: readonly { value: string; origin: Origin }[];
  hostname: string;
}

/** Who runs ssh, for tokens and `Match localuser`. */
export interface LocalUser {
  name: string;
  home: string;
}

/** A pattern of Host and Match: `*` and `?`. */
function patternMatches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}

/** A list where a negated pattern that matches decides against the whole list. */
export function listMatches(patterns: readonly string[], text: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (patternMatches(pattern.slice(1), text)) return false;
    } else if (patternMatches(pattern, text)) found = true;
  }
  return found;
}

/** Evaluates a configuration for a host as ssh does: in order, first value wins; a second pass when `Match final` is there. */
export function evaluate(
  directives: readonly Directive[],
  host: string,
  user: LocalUser,
  remarks: Remark[],
): Evaluated {
  const evaluation = new Evaluation(host, user, remarks);
  evaluation.pass(directives, true);
  if (evaluation.wantsFinal) evaluation.finalPass(directives);
  return evaluation.result();
}

class Evaluation {
  wantsFinal = false;
  private final = false;
  private host: string;
  private readonly options = new Map<string, { value: string; origin: Origin }>();
  private readonly identities: { value: string; origin: Origin }[] = [];

  constructor(
    private readonly original: string,
    private readonly user: LocalUser,
    private readonly remarks: Remark[],
  ) {
    this.host = original;
  }

  result(): Evaluated {
    return { options: this.options, identities: this.identities, hostname: this.hostname() };
  }

  finalPass(directives: readonly Directive[]): void {
    const resolved = this.hostname();
    const written = this.options.get('hostname');
    if (written !== undefined) this.options.set('hostname', { ...written, value: resolved });
    this.final = true;
    this.host = resolved;
    this.pass(directives, true);
  }

  pass(directives: readonly Directive[], enclosing: boolean): void {
    let active = enclosing;
    for (const directive of directives) {
      const { keyword, args, origin } = directive;
      if (keyword === 'host') active = enclosing && listMatches(args, this.host);
      else if (keyword === 'match') {
        const matches = this.match(directive);
        active = enclosing && matches;
      } else if (!active && keyword !== 'include') continue;
      else if (keyword === 'include') this.pass(directive.included ?? [], active);
      else if (keyword === 'identityfile') this.identity(args[0] ?? '', origin);
      else if (keyword === 'proxyjump' || keyword === 'proxycommand') this.proxy(keyword, directive);
      else if (!this.options.has(keyword)) this.options.set(keyword, { value: args[0] ?? '', origin });
    }
  }

  /** Of ProxyJump and ProxyCommand the one that comes first counts, and shuts the other out. */
  private proxy(keyword: string, { raw, args, origin }: Directive): void {
    if (this.options.has('proxyjump') || this.options.has('proxycommand')) return;
    this.options.set(keyword, { value: keyword === 'proxyjump' ? (args[0] ?? '') : raw, origin });
  }

  private identity(value: string, origin: Origin): void {
    if (this.identities.some((one) => one.value === value)) return;
    this.identities.push({ value, origin });
  }

  private hostname(): string {
    const written = this.options.get('hostname')?.value;
    return this.final
      ? (written ?? this.host)
      : (written?.replace(/%%|%h/g, (token) => (token === '%%' ? '%' : this.original)) ?? this.original);
  }

  private match({ args, origin, raw }: Directive): boolean {
    let result = true;
    for (let at = 0; at < args.length; at++) {
      const written = (args[at] ?? '').toLowerCase();
      const [attribute = '', joined] = written.split('=', 2);
      const negated = attribute.startsWith('!');
      const name = negated ? attribute.slice(1) : attribute;
      if (name === 'all') return args.length === 1 || (args.length === 2 && at === 1) ? result && !negated : false;
      if (name === 'canonical' || name === 'final') {
        if (name === 'final') this.wantsFinal = true;
        if (this.final === negated) result = false;
        continue;
      }
      const value = joined === undefined ? args[++at] : (args[at] ?? '').slice(attribute.length + 1);
      const subject = this.subject(name);
      if (value === undefined || subject === undefined) {
        this.remarks.push({
          level: 'error',
          ...origin,
          message: `Match ${raw}: “${name}” is not decided here; its block is left out`,
        });
        return false;
      }
      if (listMatches(value.split(','), subject) === negated) result = false;
    }
    return result;
  }

  private subject(name: string): string | undefined {
    if (name === 'host') return this.hostname();
    if (name === 'originalhost') return this.original;
    if (name === 'user') return this.options.get('user')?.value ?? this.user.name;
    if (name === 'localuser') return this.user.name;
    if (name === 'tagged') return this.options.get('tag')?.value ?? '';
    return undefined;
  }
}
