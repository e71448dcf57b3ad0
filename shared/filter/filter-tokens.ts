import { BadInputError } from "#shared/errors";

/** Characters of a condition at most: a line that a person reads. */
export const maxFilterLength = 2_000;

export interface FilterToken {
  readonly kind: "word" | "text" | "comparator" | "(" | ")" | "," | "end";
  readonly text: string;
  /** The first character's place, from 0. */
  readonly at: number;
}

const pattern =
  /\s*(?:(?<comparator>[<>!]=|==?|[<>])|(?<mark>[(),])|"(?<text>(?:[^"\\]|\\.)*)"|(?<word>[^\s()<>=!",]+))/gy;

/** @throws BadInputError that points at the character which begins nothing */
export function tokensOf(source: string): readonly FilterToken[] {
  if (source.length > maxFilterLength)
    throw new BadInputError(`the condition has ${source.length} characters: expected ${maxFilterLength} at most`);
  const tokens: FilterToken[] = [];
  let end = 0;
  for (const match of source.matchAll(pattern)) {
    const { comparator, mark, text, word } = match.groups ?? {};
    end = match.index + match[0].length;
    const length = (comparator ?? mark ?? word)?.length ?? (text?.length ?? 0) + 2;
    const at = end - length;
    if (comparator !== undefined) tokens.push({ kind: "comparator", text: comparator === "==" ? "=" : comparator, at });
    else if (mark !== undefined) tokens.push({ kind: mark as "(", text: mark, at });
    else if (text !== undefined) tokens.push({ kind: "text", text: text.replaceAll(/\\(.)/g, "$1"), at });
    else tokens.push({ kind: "word", text: word ?? "", at });
  }
  const rest = source.slice(end);
  if (rest.trim() !== "") {
    const at = end + rest.search(/\S/);
    throw pointing(source, at, source[at] === '"' ? "this text has no end" : "this begins nothing");
  }
  return [...tokens, { kind: "end", text: "", at: source.length }];
}

/** An error that shows the place. */
export function pointing(source: string, at: number, why: string): BadInputError {
  const before = source.slice(Math.max(0, at - 40), at);
  const behind = source.slice(at, at + 40);
  return new BadInputError(`the condition does not read at character ${at + 1}: ${why}: ${before}→${behind}`);
}
