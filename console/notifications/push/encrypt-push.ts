import { createCipheriv, createECDH, createHmac, randomBytes, type ECDH } from "node:crypto";

/** By what a browser is written to, as it says it itself (base64url). */
export interface SubscriberKeys {
  /** A point of the curve P-256, uncompressed. */
  readonly p256dh: string;
  /** 16 random bytes. */
  readonly auth: string;
}

const curve = "prime256v1";
const lengths = { point: 65, auth: 16, salt: 16, tag: 16 } as const;
/** The header of aes128gcm with a point as its key's id. */
const headerBytes = lengths.salt + 4 + 1 + lengths.point;
/** Bytes of a body that each push service takes (RFC 8030 §7.2). */
const maxPushBody = 4_096;
/** Bytes of what is encrypted in it, in one record. */
export const maxPushText = maxPushBody - headerBytes - lengths.tag - 1;

/** What differs each time. */
interface Ephemeral {
  readonly salt: Buffer;
  /** Of the sender, for this message alone; with its keys. */
  readonly sender: ECDH;
}

/** Whether nothing but that browser could read what is encrypted by them. */
export function areSubscriberKeys({ p256dh, auth }: SubscriberKeys): boolean {
  const point = Buffer.from(p256dh, "base64url");
  if (point.length !== lengths.point || point[0] !== 4 || Buffer.from(auth, "base64url").length !== lengths.auth)
    return false;
  try {
    // It looks whether the point is on the curve.
    freshKeys().computeSecret(point);
    return true;
  } catch {
    return false;
  }
}

/**
 * Encrypts what one browser alone can read (RFC 8291), as one record of aes128gcm (RFC 8188).
 * @param text {@link maxPushText} bytes at most @throws Error for keys that are none
 */
export function encryptPush(
  text: Buffer,
  { p256dh, auth }: SubscriberKeys,
  { salt, sender }: Ephemeral = { salt: randomBytes(lengths.salt), sender: freshKeys() },
): Buffer {
  const receiver = Buffer.from(p256dh, "base64url");
  const own = sender.getPublicKey();
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), receiver, own]);
  const shared = derived(Buffer.from(auth, "base64url"), sender.computeSecret(receiver), info, 32);
  const key = derived(salt, shared, Buffer.from("Content-Encoding: aes128gcm\0"), 16);
  const nonce = derived(salt, shared, Buffer.from("Content-Encoding: nonce\0"), 12);
  const cipher = createCipheriv("aes-128-gcm", key, nonce);
  const recordSize = Buffer.alloc(4);
  recordSize.writeUInt32BE(maxPushBody);
  return Buffer.concat([
    salt,
    recordSize,
    Buffer.from([own.length]),
    own,
    // Behind the text a sign that this record is the last one.
    cipher.update(Buffer.concat([text, Buffer.from([2])])),
    cipher.final(),
    cipher.getAuthTag(),
  ]);
}

function freshKeys(): ECDH {
  const keys = createECDH(curve);
  keys.generateKeys();
  return keys;
}

/** HKDF with SHA-256 for no more than one block, which is all that is needed. */
function derived(salt: Buffer, secret: Buffer, info: Buffer, bytes: number): Buffer {
  const pseudoRandom = createHmac("sha256", salt).update(secret).digest();
  const block = createHmac("sha256", pseudoRandom)
    .update(Buffer.concat([info, Buffer.from([1])]))
    .digest();
  return block.subarray(0, bytes);
}
