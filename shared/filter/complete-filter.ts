/** What may be offered at most: a list that a person looks over. */
export const maxOffered = 12;

export interface KnownName {
  readonly name: string;
  /** Some of its values, the most frequent ones. */
  readonly values: readonly string[];
}

export interface Completion {
  /** What is written in place of the text from `from` to `to`. */
  readonly text: string;
  /** What it is: a name, an operator or a value. */
  readonly kind: "name" | "operator" | "value" | "word";
}

export interface Completions {
  readonly from: number;
  readonly to: number;
  readonly offered: readonly Completion[];
}

const comparators = ["=", "!=", "<", "<=", ">", ">="] as const;
const orders: ReadonlySet<string> = new Set(comparators.slice(2));

/** What can stand at a place of a filter that somebody is typing. @param caret the place, from 0 */
export function completionsAt(source: string, caret: number, known: readonly KnownName[]): Completions {
  const before = source.slice(0, caret);
  const [, name = "", by, typed = ""] =
    /([A-Za-z_][\w.:/-]*)\s*([<>!]=|==?|[<>])\s*("[^"]*|[^\s()<>=!",]*)$/.exec(before) ?? [];
  if (by !== undefined) {
    const values = known.find((one) => one.name === name)?.values ?? [];
    const offered = orders.has(by)
      ? []
      : fitting(values, typed.replace(/^"/, "")).map((text) => ({
          text: quotedWhereNeeded(text),
          kind: "value" as const,
        }));
    return { from: caret - typed.length, to: caret + restOf(source, caret), offered };
  }
  const [word = ""] = /[^\s()<>=!",]*$/.exec(before) ?? [];
  const from = caret - word.length;
  const to = caret + restOf(source, caret);
  // Behind a name that is whole stands what it is compared by.
  if (known.some((one) => one.name === word))
    return { from: caret, to: caret, offered: comparators.map((text) => ({ text, kind: "operator" as const })) };
  const names = fitting(
    known.map((one) => one.name),
    word,
  ).map((text) => ({ text, kind: "name" as const }));
  const joins =
    word === "" ? [] : fitting(["and", "or", "not"], word).map((text) => ({ text: `${text} `, kind: "word" as const }));
  return { from, to, offered: [...names, ...joins].slice(0, maxOffered) };
}

/** Those that begin with what is typed, then those in which it stands. */
function fitting(all: readonly string[], typed: string): readonly string[] {
  const wanted = typed.toLowerCase();
  const begin = all.filter((one) => one.toLowerCase().startsWith(wanted));
  const within = all.filter((one) => !one.toLowerCase().startsWith(wanted) && one.toLowerCase().includes(wanted));
  return [...begin, ...within].slice(0, maxOffered);
}

function restOf(source: string, caret: number): number {
  return /^[^\s()<>=!",]*/.exec(source.slice(caret))?.[0].length ?? 0;
}

/** A value as it is written in a filter. */
export function quotedWhereNeeded(text: string): string {
  return /^[^\s()<>=!",]+$/.test(text) && !["and", "or", "not", "for"].includes(text)
    ? text
    : `"${text.replaceAll(/[\\"]/g, "\\$&")}"`;
}
