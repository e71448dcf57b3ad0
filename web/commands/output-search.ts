/** Places of a text that are marked at most: a letter is in each of 64 KiB. */
export const maxFound = 1_000;

/** One place in a text: where it begins, and behind its end. */
export type FoundPlace = readonly [from: number, to: number];

/** Where a text has what is looked for, whatever its case, and whether there are more places than are told. */
export function findIn(
  text: string,
  wanted: string,
): { readonly found: readonly FoundPlace[]; readonly more: boolean } {
  if (wanted === "") return { found: [], more: false };
  const pattern = new RegExp(wanted.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`), "giu");
  const found: FoundPlace[] = [];
  for (const { 0: piece, index } of text.matchAll(pattern)) {
    if (found.length === maxFound) return { found, more: true };
    found.push([index, index + piece.length]);
  }
  return { found, more: false };
}

/** The text in pieces, each a place that was found or what is between: joined they are the text. */
export function piecesAround(
  text: string,
  found: readonly FoundPlace[],
): readonly { readonly text: string; readonly at?: number }[] {
  const pieces: { readonly text: string; readonly at?: number }[] = [];
  let end = 0;
  for (const [at, [from, to]] of found.entries()) {
    if (from > end) pieces.push({ text: text.slice(end, from) });
    pieces.push({ text: text.slice(from, to), at });
    end = to;
  }
  if (end < text.length) pieces.push({ text: text.slice(end) });
  return pieces;
}
