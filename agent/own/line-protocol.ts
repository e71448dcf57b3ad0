import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

type Value = number | string | boolean;

/** A line as it says of itself: names and values are not checked yet. `ts` is a number in digits: beyond 2^53 a number has no room for nanoseconds. */
interface Line {
  readonly measurement: string;
  readonly tags: Record<string, string>;
  readonly values: Record<string, Value>;
  readonly ts?: string;
}

/**
 * Reads one line of InfluxDB's line protocol: `measurement[,tag=value…] field=value[,field=value…] [time]`. Integers (`5i`, `5u`)
 * become plain numbers, exact up to 2^53.
 * @throws BadInputError that names the column, what was expected there and what was found
 */
export function parseLineProtocol(line: string): Line {
  const cursor = new Cursor(line);
  const measurement = cursor.word(upToCommaOrSpace, "the measurement");
  const tags = cursor.pairs(
    () => cursor.takes(","),
    "tag",
    () => cursor.word(upToEqualSign, "the tag's value"),
  );
  cursor.gap('a space before the fields, as in "room temperature=21.5"');
  let first = true;
  const more = (): boolean => (first ? !(first = false) : cursor.takes(","));
  const values = cursor.pairs(more, "field", () => cursor.value());
  const time = cursor.rest();
  return { measurement, tags, values, ...(time === "" ? {} : { ts: digits(time) }) };
}

/** What may stand in a word up to its end. A backslash escapes a comma, a space and an equal sign, and is itself elsewhere. */
const upToCommaOrSpace = /(?:[^, \\]+|\\[,= ]|\\)+/y;
const upToEqualSign = /(?:[^,= \\]+|\\[,= ]|\\)+/y;
/** In a string it escapes a quote and itself. */
const upToQuote = /(?:[^"\\]+|\\["\\]|\\)*/y;

/** Reads a line from left to right. */
class Cursor {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Goes past `character` if it is the next one. */
  takes(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** `name=value` as often as there is one `more`. */
  pairs<T>(more: () => boolean, what: string, value: () => T): Record<string, T> {
    const pairs = new Map<string, T>();
    while (more()) {
      const name = this.word(upToEqualSign, `a ${what}'s name`);
      if (!this.takes("=")) throw this.#expected(`"=" after the ${what} ${quoted(name)}`);
      if (pairs.has(name)) throw new BadInputError(`the ${what} ${quoted(name)} stands twice in the line`);
      pairs.set(name, value());
    }
    return Object.fromEntries(pairs);
  }

  /** @throws BadInputError where there is none */
  word(pattern: RegExp, what: string): string {
    const word = this.#match(pattern);
    if (word === "") throw this.#expected(what);
    return word.includes("\\") ? word.replaceAll(/\\([,= ])/g, "$1") : word;
  }

  value(): Value {
    if (!this.takes('"')) return scalar(this.word(upToCommaOrSpace, "a field's value"));
    const text = this.#match(upToQuote);
    if (!this.takes('"')) throw this.#expected('the closing " of a string');
    return text.replaceAll(/\\(["\\])/g, "$1");
  }

  /** At least one space. */
  gap(expected: string): void {
    if (!this.takes(" ")) throw this.#expected(expected);
    while (this.takes(" "));
  }

  /** What follows the fields, without the spaces around. */
  rest(): string {
    if (this.#at < this.#text.length && this.#text[this.#at] !== " ")
      throw this.#expected("a comma or a space after a field");
    return this.#text.slice(this.#at).trim();
  }

  #match(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const [found = ""] = pattern.exec(this.#text) ?? [];
    this.#at += found.length;
    return found;
  }

  #expected(what: string): BadInputError {
    const got =
      this.#at < this.#text.length ? quoted(this.#text.slice(this.#at, this.#at + 20)) : "the end of the line";
    return new BadInputError(`expected ${what} at column ${this.#at + 1}, got ${got}`);
  }
}

const words: Readonly<Record<string, boolean>> = {
  ...Object.fromEntries(["t", "T", "true", "True", "TRUE"].map((word) => [word, true])),
  ...Object.fromEntries(["f", "F", "false", "False", "FALSE"].map((word) => [word, false])),
};

function scalar(text: string): number | boolean {
  const word = Object.hasOwn(words, text) ? words[text] : undefined;
  if (word !== undefined) return word;
  if (/^-?\d+i$|^\d+u$/.test(text)) return Number(text.slice(0, -1));
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  throw new BadInputError(
    `${quoted(text)} is no field value: expected a number (21.5, 21i), true or false, or a string in double quotes`,
  );
}

function digits(time: string): string {
  if (/^\d{1,19}$/.test(time)) return time;
  throw new BadInputError(
    `${quoted(time)} is no time: expected a whole number of nanoseconds since 1970, or of a larger unit, or nothing for now`,
  );
}
