import { createHmac, timingSafeEqual } from "node:crypto";

/** Seconds that a code is for (RFC 6238 §5.2); what authenticators take for granted. */
const period = 30;
/** Steps before and after the present one whose codes are taken: a phone's clock is off, and typing takes a while (§5.2). */
export const stepsAside = 1;
const digits = 6;
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The step of a moment (epoch ms). */
export function stepAt(now: number): number {
  return Math.floor(now / 1_000 / period);
}

/** The code of one step (RFC 4226 §5.3): HMAC-SHA-1, which is what every authenticator speaks. */
export function codeAt(key: Buffer, step: number, length = digits): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac("sha1", key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 0xf;
  const number = mac.readUInt32BE(offset) & 0x7fffffff;
  return String(number % 10 ** length).padStart(length, "0");
}

/** The step, behind `after`, whose code this is; undefined where there is none. */
export function stepOf(key: Buffer, code: string, now: number, after: number): number | undefined {
  const present = stepAt(now);
  let found: number | undefined;
  for (let step = present - stepsAside; step <= present + stepsAside; step++)
    if (step > after && step >= 0 && isSame(codeAt(key, step), code)) found ??= step;
  return found;
}

function isSame(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Base 32 (RFC 4648 §6) without padding: how authenticators are given a key. */
export function toBase32(bytes: Buffer): string {
  let text = "";
  let [held, bits] = [0, 0];
  for (const byte of bytes) {
    held = (held << 8) | byte;
    for (bits += 8; bits >= 5; bits -= 5) text += alphabet[(held >> (bits - 5)) & 31];
    held &= (1 << bits) - 1;
  }
  return bits > 0 ? text + alphabet[(held << (5 - bits)) & 31] : text;
}

/** What the QR code says to an authenticator. */
export function otpauthUri(account: string, key: Buffer): string {
  return `otpauth://totp/Muster:${encodeURIComponent(account)}?secret=${toBase32(key)}&issuer=Muster`;
}
