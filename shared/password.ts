import { pbkdf2, pbkdf2Sync, randomBytes, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

/** When it is asked for: an agent has this file for what its secrets look like, and does without node:crypto until there is something to hash. */
const derive = (...of: [string | Buffer, Buffer, number, number, string]): Promise<Buffer> => promisify(pbkdf2)(...of);
const keyLength = 64;

/**
 * Rounds of PBKDF2-SHA512. A password that somebody has chosen needs many; a generated secret of 160 bits cannot be guessed
 * anyway, and its check should cost a reconnecting fleet little. Exactly 100,000 rounds are of a Muster that gave generated
 * passwords of persons as many, so that one more tells: this one was chosen.
 */
export const rounds = { person: 100_001, generated: 101 };

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
  // A damaged row could say billions, or nothing to compare with.
  if (!(Number(iterations) <= maxHashRounds) || expected.length !== keyLength) return false;
  const actual = await derive(secret, Buffer.from(salt, "base64"), Number(iterations), expected.length, "sha512");
  return timingSafeEqual(actual, expected);
}

/** Rounds at most: more than anybody sets, and still a second. */
const maxHashRounds = 1_000_000;

/** Rounds that a stored hash was made with; 0 for what is no hash. */
export function roundsOf(stored: string): number {
  return Number(stored.split("$")[2]) || 0;
}

/** A hash that no secret has. */
export function hashOfNothing(iterations: number): string {
  return `$7$${iterations}$${randomBytes(12).toString("base64")}$${randomBytes(keyLength).toString("base64")}`;
}

/** Characters of a generated secret. */
export const generatedLength = 27;

/** A secret of 160 random bits in 27 letters, digits, `-` and `_`: safe to paste into a shell or a URL. */
export function generateSecret(): string {
  for (;;) {
    const secret = randomBytes(20).toString("base64url");
    if (looksGenerated(secret)) return secret;
  }
}

/** 27 random characters have 22 different ones; a sentence in words has fewer. Of a hundred generated ones, one or two are made anew. */
const minDistinctCharacters = 18;

/** Whether a secret has the form of generated ones, which no password that a person makes up has. */
export function looksGenerated(secret: string): boolean {
  return (
    secret.length === generatedLength &&
    /^[\w-]+$/.test(secret) &&
    /[a-z]/.test(secret) &&
    /[A-Z]/.test(secret) &&
    /\d/.test(secret) &&
    new Set(secret).size >= minDistinctCharacters
  );
}
