import { formatMoment } from "./moment.ts";

/** A piece of a sentence: words, or a moment in them, epoch ms. */
export type ToldPiece = string | { readonly ts: number };

/** How the console and agents write moments into sentences: ISO 8601, or with a space and UTC behind. */
const written = /\b\d{4}-\d\d-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?Z| \d\d:\d\d(?::\d\d)? UTC)/g;

/** The pieces of a sentence, in their order. What looks like a moment and is none (of month 13) stays words. */
export function piecesOf(sentence: string): readonly ToldPiece[] {
  const pieces: ToldPiece[] = [];
  let end = 0;
  for (const { 0: text, index } of sentence.matchAll(written)) {
    const ts = Date.parse(text.replace(" UTC", "Z").replace(" ", "T"));
    if (Number.isNaN(ts)) continue;
    if (index > end) pieces.push(sentence.slice(end, index));
    pieces.push({ ts });
    end = index + text.length;
  }
  return end === sentence.length && end > 0 ? pieces : [...pieces, sentence.slice(end)];
}

/** A sentence of the console with its moments in the reader's zone: it is written for logs as well, and so in UTC. */
export function inReadersZone(sentence: string, now: number): string {
  return piecesOf(sentence)
    .map((piece) => (typeof piece === "string" ? piece : formatMoment(piece.ts, now)))
    .join("");
}
