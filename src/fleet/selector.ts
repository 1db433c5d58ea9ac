import type { NamePattern } from './name-pattern.js';
import { parsePattern, PatternError } from './name-pattern.js';
import type { Token } from './selector-lexer.js';
import { selectorError, tokenize } from './selector-lexer.js';

/** Where a piece of a selector stands in it, as offsets. */
interface Span {
  at: number;
  end: number;
}

/** A part of a selector that looks at one thing. */
export type Leaf = Span &
  (
    | { kind: 'name'; pattern: NamePattern }
    | { kind: 'match'; key: string; patterns: readonly NamePattern[]; negated: boolean }
    | { kind: 'compare'; key: string; operator: '<' | '<=' | '>' | '>='; bound: string }
    | { kind: 'flag'; flag: 'offline' | 'online' | 'drifted' }
  );

/** A selector as a tree. */
export type Selector =
  | { kind: 'all' }
  | Leaf
  | (Span & { kind: 'sample'; size: { count: number } | { percent: number }; of: Selector })
  | { kind: 'and'; parts: readonly Selector[] }
  | { kind: 'or'; parts: readonly Selector[] }
  | { kind: 'not'; part: Selector };

/** Calls back for every leaf of a selector. */
export function eachLeaf(selector: Selector, visit: (leaf: Leaf) => void): void {
  if (selector.kind === 'all') return;
  if (selector.kind === 'not') eachLeaf(selector.part, visit);
  else if (selector.kind === 'sample') eachLeaf(selector.of, visit);
  else if (selector.kind === 'and' || selector.kind === 'or') for (const part of selector.parts) eachLeaf(part, visit);
  else visit(selector);
}

const flags: ReadonlyMap<string, 'offline' | 'online' | 'drifted'> = new Map([
  ['offline', 'offline'],
  ['online', 'online'],
  ['drifted', 'drifted'],
] as const);

const named: Readonly<Record<Token['kind'], string>> = {
  word: 'a name',
  text: 'a quoted text',
  '(': '“(”',
  ')': '“)”',
  ',': '“,”',
  '=': '“=”',
  '!=': '“!=”',
  '<': '“<”',
  '<=': '“<=”',
  '>': '“>”',
  '>=': '“>=”',
  and: '“and”',
  or: '“or”',
  not: '“not”',
  in: '“in”',
  end: 'the end',
};

const deepest = 100;

class SelectorParser {
  private readonly tokens: Token[];
  private next = 0;
  private depth = 0;

  constructor(private readonly source: string) {
    this.tokens = tokenize(source);
  }

  run(): Selector {
    if (this.peek().kind === 'end') return { kind: 'all' };
    const selector = this.either();
    if (this.peek().kind !== 'end') this.fail(this.peek(), 'expected “and”, “or”, “,” or the end');
    return selector;
  }

  private peek(ahead = 0): Token {
    return this.tokens[Math.min(this.next + ahead, this.tokens.length - 1)] as Token;
  }

  private take(): Token {
    const token = this.peek();
    this.next += 1;
    return token;
  }

  private fail(token: Token, expected: string): never {
    const found = token.kind === 'word' ? `“${token.text}”` : named[token.kind];
    throw selectorError(this.source, token.at, `${expected}, found ${found}`);
  }

  private either(): Selector {
    const parts = [this.both()];
    while (this.peek().kind === 'or' || this.peek().kind === ',') {
      this.take();
      parts.push(this.both());
    }
    return parts.length === 1 ? (parts[0] as Selector) : { kind: 'or', parts };
  }

  private both(): Selector {
    const parts = [this.negation()];
    while (this.peek().kind === 'and') {
      this.take();
      parts.push(this.negation());
    }
    return parts.length === 1 ? (parts[0] as Selector) : { kind: 'and', parts };
  }

  private negation(): Selector {
    if (this.peek().kind !== 'not') return this.primary();
    this.enter(this.take());
    const part = this.negation();
    this.depth -= 1;
    return { kind: 'not', part };
  }

  private enter(token: Token): void {
    this.depth += 1;
    if (this.depth > deepest) throw selectorError(this.source, token.at, 'it is nested too deeply');
  }

  private primary(): Selector {
    const token = this.take();
    if (token.kind === '(') {
      this.enter(token);
      const inner = this.either();
      if (this.peek().kind !== ')') this.fail(this.peek(), 'expected “)”');
      this.take();
      this.depth -= 1;
      return inner;
    }
    if (token.kind !== 'word') this.fail(token, 'expected a name, key=value, “not” or “(”');
    return this.term(token);
  }

  private term(token: Token): Selector {
    const operator = this.peek();
    const { at } = token;
    if (operator.kind === '=' || operator.kind === '!=') {
      this.take();
      const patterns = [this.value()];
      return { kind: 'match', key: this.key(token), patterns, negated: operator.kind === '!=', at, end: this.before() };
    }
    if (operator.kind === '<' || operator.kind === '<=' || operator.kind === '>' || operator.kind === '>=') {
      this.take();
      const key = this.key(token);
      return { kind: 'compare', key, operator: operator.kind, bound: this.bound(), at, end: this.before() };
    }
    const negated = operator.kind === 'not' && this.peek(1).kind === 'in';
    if (negated) this.take();
    if (this.peek().kind === 'in') {
      this.take();
      return { kind: 'match', key: this.key(token), patterns: this.values(), negated, at, end: this.before() };
    }
    const word = token.text.toLowerCase();
    if (word === 'all') return { kind: 'all' };
    const flag = flags.get(word);
    if (flag !== undefined) return { kind: 'flag', flag, at, end: token.end };
    return this.sample(token) ?? { kind: 'name', pattern: this.pattern(token), at, end: token.end };
  }

  /** `10% of …`, `5 of …`, and a percentage alone, which is one of all nodes. */
  private sample(token: Token): Selector | undefined {
    const follows = this.peek().kind === 'word' && this.peek().text.toLowerCase() === 'of';
    const percent = token.text.endsWith('%');
    if (!follows && !percent) return undefined;
    const number = Number(percent ? token.text.slice(0, -1) : token.text);
    const fits = percent ? number > 0 && number <= 100 : Number.isInteger(number) && number > 0;
    if (!/^[\d.]+%?$/.test(token.text) || !fits)
      throw selectorError(this.source, token.at, `“${token.text}” is no sample such as 10% or 5`);
    if (follows) this.enter(this.take());
    const of: Selector = follows ? this.both() : { kind: 'all' };
    if (follows) this.depth -= 1;
    return {
      kind: 'sample',
      size: percent ? { percent: number } : { count: number },
      of,
      at: token.at,
      end: this.before(),
    };
  }

  /** Offset behind the token that was taken last. */
  private before(): number {
    return this.tokens[this.next - 1]?.end ?? 0;
  }

  private bound(): string {
    const token = this.take();
    if (token.kind !== 'word' && token.kind !== 'text') this.fail(token, 'expected a version');
    if (!/^v?\d/.test(token.text)) throw selectorError(this.source, token.at, `“${token.text}” is no version`);
    return token.text;
  }

  private key(token: Token): string {
    if (/^[A-Za-z0-9][A-Za-z0-9._/-]*$/.test(token.text)) return token.text;
    throw selectorError(this.source, token.at, `“${token.text}” cannot be a key`);
  }

  private values(): NamePattern[] {
    if (this.peek().kind !== '(') this.fail(this.peek(), 'expected “(” after “in”');
    this.take();
    const patterns = [this.value()];
    while (this.peek().kind === ',') {
      this.take();
      patterns.push(this.value());
    }
    if (this.peek().kind !== ')') this.fail(this.peek(), 'expected “,” or “)”');
    this.take();
    return patterns;
  }

  private value(): NamePattern {
    const token = this.take();
    if (token.kind === 'text') return { text: token.text, literal: true, matches: (value) => value === token.text };
    // A keyword is an ordinary word where only a value can stand.
    const isWord =
      token.kind === 'word' || ['and', 'or', 'in'].includes(token.kind) || token.text.toLowerCase() === 'not';
    if (!isWord) this.fail(token, 'expected a value');
    return this.pattern(token);
  }

  private pattern(token: Token): NamePattern {
    try {
      return parsePattern(token.text);
    } catch (error) {
      if (error instanceof PatternError) throw selectorError(this.source, token.at + error.offset, error.message);
      throw error;
    }
  }
}

/** Reads a selector; an empty one matches every node. Throws SELECTOR_INVALID that points at the character. */
export function parseSelector(text: string): Selector {
  return new SelectorParser(text).run();
}
