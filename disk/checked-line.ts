import { crc32 } from "#shared/crc32";

/** A value as JSON on a line of its own, its checksum in front. */
export function toLine(value: unknown): string {
  const json = JSON.stringify(value);
  return `${checksum(json)} ${json}\n`;
}

/** @returns undefined for a line that is not as it was written */
export function parseLine(line: string): unknown {
  const json = line.slice(9);
  if (line.slice(0, 8) !== checksum(json) || line[8] !== " ") return undefined;
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

export function checksum(text: string): string {
  return crc32(text).toString(16).padStart(8, "0");
}

/** What a file of such lines holds. */
export interface Lines {
  readonly values: readonly unknown[];
  /** Pieces that were whole once and are not as they were written. */
  readonly damaged: number;
  /** Bytes that hold them: what lies beyond was being written when the machine stopped, and nobody was told that it is there. */
  readonly end: number;
  /** Whether the last of them has its newline. */
  readonly ended: boolean;
}

/** Every line whose checksum fits counts, also where the newline behind it is damaged or missing. */
export function parseLines(bytes: Buffer): Lines {
  const text = bytes.toString("latin1");
  const whole = text.lastIndexOf("\n") + 1;
  const values: unknown[] = [];
  let damaged = 0;
  for (const line of text.slice(0, whole).split("\n").filter(Boolean)) {
    const pieces = piecesOf(line);
    values.push(...pieces.values);
    if (pieces.rest !== "") damaged += 1;
  }
  const tail = piecesOf(text.slice(whole));
  values.push(...tail.values);
  const end = tail.values.length > 0 ? bytes.length - tail.rest.length : whole;
  return { values, damaged, end, ended: tail.values.length === 0 };
}

/** Where one line may end in the midst of another: at a newline that is none any more. */
const beginning = /(?=[0-9a-f]{8} \{)/g;
/** The byte that was a newline. */
const lostNewline = 1;

/** @param line in latin1, a character each byte: so that a damaged byte is one character, whatever it was */
function piecesOf(line: string): { readonly values: readonly unknown[]; readonly rest: string } {
  const value = readPiece(line);
  if (value !== undefined) return { values: [value], rest: "" };
  const starts = [...line.matchAll(beginning)].map(({ index }) => index);
  const values: unknown[] = [];
  let from = 0;
  for (const to of [...starts.filter((start) => start > 0), line.length]) {
    const piece = readPiece(line.slice(from, to));
    if (piece === undefined) continue;
    values.push(piece);
    from = to;
  }
  return { values, rest: line.slice(from) };
}

function readPiece(piece: string): unknown {
  return utf8Line(piece) ?? (piece.length > lostNewline ? utf8Line(piece.slice(0, -lostNewline)) : undefined);
}

function utf8Line(latin1: string): unknown {
  return parseLine(Buffer.from(latin1, "latin1").toString("utf8"));
}
