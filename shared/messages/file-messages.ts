import { createHash } from "node:crypto";
import * as z from "zod/mini";
import { encode, type Encoding } from "#shared/codec";
import { failure } from "#shared/messages/command-messages";
import { count, read, token } from "#shared/messages/payload-schema";

/** Bytes of one piece: as base64 in JSON it fits into a message of 32 KiB, with room for its names and hash. */
export const maxPieceBytes = 16 * 1024;

/** Bytes that are asked for at once: what is on its way, in the brokers' memory and before the batches that wait behind it. */
export const maxWindowBytes = 128 * 1024;

/** The SHA-256 of a file or piece. */
export const fileHash = z
  .string()
  .check(z.regex(/^[0-9a-f]{64}$/, "expected a SHA-256, as 64 hexadecimal digits in small letters"));

/** Byte strings in CBOR, base64 in JSON. */
const bytes = z.pipe(
  z.custom<Uint8Array | string>(isBytes, `expected at most ${maxPieceBytes} bytes: a byte string, or base64 in JSON`),
  z.transform((given): Buffer => (typeof given === "string" ? Buffer.from(given, "base64") : Buffer.from(given))),
);

function isBytes(given: unknown): boolean {
  if (given instanceof Uint8Array) return given.length <= maxPieceBytes;
  return typeof given === "string" && Buffer.byteLength(given, "base64") <= maxPieceBytes;
}

/** The device has opened the file that is fetched. `file` tells whether that is the same one as another time. */
const opened = z.object({ size: count, file: token });
/** Who is to have the file has all before `at`, and wants so many bytes more; with `sha256` it has all of them, and that is their hash. */
const ask = z.object({ at: count, want: count, sha256: z.optional(fileHash) });
/** Some of the file's bytes, from `at` on. */
const piece = z.object({ at: count, data: bytes, sha256: fileHash });
/** The console cannot go on, and says why. */
const stop = z.object({ stop: failure });

const fileUp = z.union([opened, piece, ask]);
const fileDown = z.union([stop, piece, ask]);

export type FileAsk = z.output<typeof ask>;
export type FilePiece = z.output<typeof piece>;
/** What a device says of a file. */
export type FileUp = z.output<typeof fileUp>;
/** What the console says of one. */
export type FileDown = z.output<typeof fileDown>;

/** @throws BadInputError */
export const readFileUp = (payload: Buffer): { value: FileUp; encoding: Encoding } => read(fileUp, payload, "file");

/** @throws BadInputError */
export const readFileDown = (payload: Buffer): FileDown => read(fileDown, payload, "file").value;

/** @param encoding that of whom it is for */
export function encodeFile(message: FileUp | FileDown, encoding: Encoding): Buffer {
  if (encoding === "cbor" || !("data" in message)) return encode(message, encoding);
  return encode({ ...message, data: message.data.toString("base64") }, encoding);
}

export function sha256Of(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}
