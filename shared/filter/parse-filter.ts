import { parseDuration } from "#shared/duration";
import { comparisonsOf, plainName, type Comparator, type FilterCondition, type Operand } from "./condition.ts";
import { pointing, tokensOf, type FilterToken } from "./filter-tokens.ts";

/** How deep parentheses and `not` may be nested. */
export const maxFilterDepth = 16;
/** Comparisons of one condition. */
export const maxComparisons = 64;

export interface Filter {
  /** As it was written. */
  readonly source: string;
  readonly condition: FilterCondition;
  /** Milliseconds for which it has to hold, by `for 5m` at the end; 0 without. */
  readonly hold: number;
}

const keywords: ReadonlySet<string> = new Set(["and", "or", "not", "for"]);
/** What may be compared. */
export const filterName = /^[A-Za-z_][A-Za-z0-9_.:/-]*$/;

export interface FilterOptions {
  /** Whether a word alone stands for whatever a device is called by, which devices are chosen by. */
  readonly words?: boolean;
  /** What may be reckoned of a value before it is compared, as rules have it: `rate(net.bytes_recv) > 1e6`. */
  readonly functions?: ReadonlySet<string>;
}

/**
 * Reads a condition: `group=lab cpu.usage_idle<20`, `mem.used_percent < 80 and not (version < 0.3 or silent > 5m) for 5m`. What stands side by
 * side, or with a comma between, has to hold together. `and` binds before `or`.
 * @throws BadInputError that points at the place
 */
export function parseFilter(source: string, options: FilterOptions = {}): Filter {
  const parser = new Parser(source, options);
  const filter = parser.filter();
  const count = comparisonsOf(filter.condition).length;
  if (count <= maxComparisons) return filter;
  throw pointing(source, source.length, `${count} comparisons: expected ${maxComparisons} at most`);
}

class Parser {
  readonly #source: string;
  readonly #tokens: readonly FilterToken[];
  readonly #words: boolean;
  readonly #functions: ReadonlySet<string>;
  #at = 0;

  constructor(source: string, { words = false, functions = new Set() }: FilterOptions) {
    this.#source = source;
    this.#words = words;
    this.#functions = functions;
    this.#tokens = tokensOf(source);
  }

  filter(): Filter {
    const condition = this.#or(0);
    const hold = this.#takeWord("for") ? this.#duration() : 0;
    if (this.#next.kind !== "end") throw this.#wrong(`expected "and", "or" or the end`);
    return { source: this.#source, condition, hold };
  }

  #or(depth: number): FilterCondition {
    const of = [this.#and(depth)];
    while (this.#takeWord("or")) of.push(this.#and(depth));
    return of.length === 1 ? of[0]! : { kind: "or", of };
  }

  #and(depth: number): FilterCondition {
    const of = [this.#one(depth)];
    while (this.#takeWord("and") || this.#take(",") || this.#beginsOne()) of.push(this.#one(depth));
    return of.length === 1 ? of[0]! : { kind: "and", of };
  }

  #beginsOne(): boolean {
    const { kind, text } = this.#next;
    return kind === "(" || (kind === "word" && (text === "not" || !keywords.has(text))) || this.#isPlain();
  }

  #one(depth: number): FilterCondition {
    if (depth > maxFilterDepth) throw this.#wrong(`nested deeper than ${maxFilterDepth} levels`);
    if (this.#takeWord("not")) return { kind: "not", of: this.#one(depth + 1) };
    if (!this.#take("(")) return this.#comparison();
    const inner = this.#or(depth + 1);
    if (!this.#take(")")) throw this.#wrong('expected ")"');
    return inner;
  }

  #comparison(): FilterCondition {
    const { text, at } = this.#next;
    if (this.#isPlain()) {
      this.#at += 1;
      return { kind: "compare", name: plainName, by: "=", operand: { text: `*${text}*`, number: undefined }, at };
    }
    const call = this.#call();
    if (call === undefined) this.#name();
    const name = call ?? text;
    const by = this.#next;
    // What is true or false by itself need not be compared.
    if (call !== undefined && by.kind !== "comparator")
      return { kind: "compare", name, by: "=", operand: { text: "true", number: undefined }, at };
    if (by.kind !== "comparator") throw this.#wrong(`expected =, !=, <, <=, > or >= behind ${name}`);
    this.#at += 1;
    return { kind: "compare", name, by: by.text as Comparator, operand: this.#operand(by.text), at };
  }

  #name(): string {
    const { kind, text } = this.#next;
    if (kind !== "word" || keywords.has(text) || !filterName.test(text))
      throw this.#wrong("expected a name such as group, version or mem.used_percent");
    this.#at += 1;
    return text;
  }

  /** `rate(net.bytes_recv)`, `forecast(disk.used_percent, 3d)`. @returns it without spaces; undefined where there is none */
  #call(): string | undefined {
    const { kind, text } = this.#next;
    if (kind !== "word" || !this.#functions.has(text) || this.#tokens[this.#at + 1]?.kind !== "(") return undefined;
    this.#at += 2;
    const name = this.#name();
    const span = this.#take(",") ? this.#duration(`behind ${name}`) : undefined;
    if (!this.#take(")")) throw this.#wrong('expected ")"');
    return span === undefined ? `${text}(${name})` : `${text}(${name},${span})`;
  }

  /** A word, or text in quotes, that is compared with nothing. */
  #isPlain(): boolean {
    const { kind, text } = this.#next;
    const isOne = kind === "text" || (kind === "word" && !keywords.has(text));
    return this.#words && isOne && this.#tokens[this.#at + 1]?.kind !== "comparator";
  }

  #operand(by: string): Operand {
    const token = this.#next;
    const isValue = token.kind === "text" || (token.kind === "word" && !keywords.has(token.text));
    if (!isValue) throw this.#wrong(`expected a value behind ${by}, such as 80, 5m, lab-* or "two words"`);
    this.#at += 1;
    return { text: token.text, number: token.kind === "text" ? undefined : numberIn(token.text) };
  }

  #duration(where = "behind for"): number {
    const { kind, text } = this.#next;
    const ms = kind === "word" && /[a-z]$/.test(text) ? durationIn(text) : undefined;
    if (ms === undefined) throw this.#wrong(`expected how long ${where}, such as 5m`);
    this.#at += 1;
    return ms;
  }

  get #next(): FilterToken {
    return this.#tokens[this.#at] ?? this.#tokens.at(-1)!;
  }

  #take(kind: FilterToken["kind"]): boolean {
    if (this.#next.kind !== kind) return false;
    this.#at += 1;
    return true;
  }

  #takeWord(word: string): boolean {
    return this.#next.kind === "word" && this.#next.text === word && this.#take("word");
  }

  #wrong(why: string): Error {
    const { at, kind } = this.#next;
    return pointing(this.#source, at, kind === "end" ? `${why}, and it ends` : why);
  }
}

function numberIn(text: string): number | undefined {
  const [, number] = /^([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)%?$/.exec(text) ?? [];
  return number === undefined ? durationIn(text) : Number(number);
}

function durationIn(text: string): number | undefined {
  try {
    return /^\d/.test(text) ? parseDuration(text, "duration") : undefined;
  } catch {
    return undefined;
  }
}
