import { closeSync, openSync } from "node:fs";
import { readBounded } from "#shared/bounded-read";
import { asError, BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

/** Bytes of a file that somebody names, or of what comes in on standard input: as many as a request may have. */
export const maxReadText = 1024 * 1024;

/** A text that somebody names, or `-` for standard input. @throws BadInputError where there is none, or it is too large */
export async function readText(path: string): Promise<string> {
  const bytes = path === "-" ? await fromInput() : fromFile(path);
  if (bytes.length > maxReadText) throw new BadInputError(`${quoted(path)} has more than ${maxReadText} bytes`);
  return bytes.toString("utf8");
}

function fromFile(path: string): Buffer {
  try {
    const descriptor = openSync(path, "r");
    try {
      return readBounded(descriptor, maxReadText);
    } finally {
      closeSync(descriptor);
    }
  } catch (thrown) {
    throw new BadInputError(`${quoted(path)} cannot be read: ${asError(thrown).message}`);
  }
}

async function fromInput(): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let length = 0;
  for await (const piece of process.stdin as AsyncIterable<Buffer>) {
    pieces.push(piece);
    length += piece.length;
    if (length > maxReadText) break;
  }
  return Buffer.concat(pieces);
}
