import { createHash, createPublicKey, verify, type KeyObject } from "node:crypto";
import { BadInputError } from "#shared/errors";
import { maxSigners } from "#shared/messages/presence-messages";
import { quoted } from "#shared/printable";

/** A key by which commands are signed, as an agent pins it. */
export interface PublicKey {
  /** By which a signature names it: the beginning of the key's hash. */
  readonly id: string;
  /** The line that is pinned. */
  readonly line: string;
  readonly key: KeyObject;
}

/** Characters of the words behind a key, which say whose it is. */
export const maxKeyCommentLength = 100;

/** DER of an Ed25519 key in SubjectPublicKeyInfo (RFC 8410 §4), up to its 32 bytes. */
const spkiHead = Buffer.from("302a300506032b6570032100", "hex");
const written = /^ed25519:([A-Za-z0-9_-]{43})(?:\s+(\S[^,]*))?$/;

/** Reads `ed25519:…` with words behind it that say whose it is. @throws BadInputError */
export function parsePublicKey(text: string): PublicKey {
  const [, encoded = "", comment = ""] = written.exec(text.trim()) ?? [];
  const raw = Buffer.from(encoded, "base64url");
  // The last character has two bits that say nothing: one key has one line.
  if (raw.length !== 32 || raw.toString("base64url") !== encoded)
    throw new BadInputError(`${quoted(text)} is no public key: expected the line that muster keygen prints, ed25519:…`);
  if (comment.length > maxKeyCommentLength)
    throw new BadInputError(
      `the words behind ed25519:${encoded} are too long: at most ${maxKeyCommentLength} characters`,
    );
  const key = createPublicKey({ key: Buffer.concat([spkiHead, raw]), format: "der", type: "spki" });
  return { id: keyId(raw), line: publicLine(raw, comment), key };
}

/** @throws BadInputError where there are none, or too many, or one does not read */
export function parsePublicKeys(lines: readonly string[]): readonly PublicKey[] {
  const keys = new Map(lines.map(parsePublicKey).map((key) => [key.id, key]));
  if (keys.size >= 1 && keys.size <= maxSigners) return [...keys.values()];
  throw new BadInputError(`${keys.size} public keys: expected 1 to ${maxSigners}`);
}

/** The same of a private key. @param comment words that say whose it is */
export function publicKeyOf(key: KeyObject, comment: string): PublicKey {
  const { x } = createPublicKey(key).export({ format: "jwk" });
  return parsePublicKey(`ed25519:${x ?? ""} ${comment}`);
}

export function isSignedBy({ key }: PublicKey, statement: string, signature: string): boolean {
  return verify(null, Buffer.from(statement), key, Buffer.from(signature, "base64url"));
}

/** Sixteen characters of the SHA-256 of its 32 bytes. */
function keyId(raw: Buffer): string {
  return createHash("sha256").update(raw).digest("base64url").slice(0, 16);
}

function publicLine(raw: Buffer, comment: string): string {
  return `ed25519:${raw.toString("base64url")}${comment === "" ? "" : ` ${comment}`}`;
}
