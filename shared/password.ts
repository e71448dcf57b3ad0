import { pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const derive = promisify(pbkdf2);
const keyLength = 64;

/**
 * Rounds of PBKDF2-SHA512. A person's password needs many; a generated secret of 160 bits cannot be guessed anyway, and
 * its check should cost a reconnecting fleet little.
 */
export const rounds = { person: 100_000, generated: 101 };

/**
 * A secret's hash, `$7$rounds$salt$hash`: the format of Mosquitto's password file, so that one hash serves the embedded
 * broker, the console and an external Mosquitto.
 */
export function hashSecret(secret: string, iterations: number, salt: Buffer = randomBytes(12)): string {
  const hash = pbkdf2Sync(secret, salt, iterations, keyLength, "sha512");
  return `$7$${iterations}$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** Whether `secret` is the one that `stored` was made of. Takes the time of the stored rounds, off the event loop. */
export async function verifySecret(secret: string | Buffer, stored: string): Promise<boolean> {
  const [, kind, iterations, salt, hash] = stored.split("$");
  if (kind !== "7" || !iterations || !salt || !hash) return false;
  const expected = Buffer.from(hash, "base64");
  const actual = await derive(secret, Buffer.from(salt, "base64"), Number(iterations), expected.length, "sha512");
  return timingSafeEqual(actual, expected);
}

/** Characters of a generated secret. */
export const generatedLength = 27;

/** A secret of 160 random bits in 27 letters, digits, `-` and `_`: safe to paste into a shell or a URL. */
export function generateSecret(): string {
  return randomBytes(20).toString("base64url");
}
