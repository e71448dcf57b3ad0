import { createDecipheriv, createECDH, hkdfSync, randomBytes, type ECDH } from "node:crypto";
import type { SubscriberKeys } from "./encrypt-push.ts";

/** A browser's keys, as it makes them when it subscribes. */
export function subscriber(): { readonly ecdh: ECDH; readonly keys: SubscriberKeys } {
  const ecdh = createECDH("prime256v1");
  ecdh.generateKeys();
  return {
    ecdh,
    keys: { p256dh: ecdh.getPublicKey("base64url"), auth: randomBytes(16).toString("base64url") },
  };
}

/** What a browser makes of a body: by node's own HKDF, and nothing of what has encrypted it. @throws Error where it is none of this browser's */
export function decryptPush(body: Buffer, receiver: ECDH, auth: string): string {
  const [salt, length] = [body.subarray(0, 16), body[20] ?? 0];
  const sender = body.subarray(21, 21 + length);
  const record = body.subarray(21 + length);
  const info = Buffer.concat([Buffer.from("WebPush: info\0"), receiver.getPublicKey(), sender]);
  const shared = hkdfSync("sha256", receiver.computeSecret(sender), Buffer.from(auth, "base64url"), info, 32);
  const of = (what: string, bytes: number): Buffer =>
    Buffer.from(hkdfSync("sha256", Buffer.from(shared), salt, `Content-Encoding: ${what}\0`, bytes));
  const decipher = createDecipheriv("aes-128-gcm", of("aes128gcm", 16), of("nonce", 12));
  decipher.setAuthTag(record.subarray(-16));
  const text = Buffer.concat([decipher.update(record.subarray(0, -16)), decipher.final()]);
  if (text.at(-1) !== 2) throw new Error("it is not the last record");
  return text.subarray(0, -1).toString();
}
