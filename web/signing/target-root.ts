import { base64url } from "./browser-key.ts";

const encoder = new TextEncoder();

/** The same tree of a job's devices as `TargetTree` makes (RFC 9162 §2.1), by the browser's own hashes, which have to be waited for. */
export async function targetsOf(
  devices: readonly string[],
): Promise<{ readonly root: string; readonly count: number }> {
  const names = [...new Set(devices)].sort();
  let level = await Promise.all(names.map((name) => hashOf(0, encoder.encode(name))));
  while (level.length > 1) level = await Promise.all(pairsOf(level));
  const [root = new Uint8Array()] = level;
  return { root: base64url(root), count: names.length };
}

/** Of two neighbours the hash of both, and one that has none as it is. */
function pairsOf(level: readonly Uint8Array[]): Promise<Uint8Array>[] {
  const above: Promise<Uint8Array>[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const [left, right] = [level[at], level[at + 1]];
    if (left) above.push(right ? hashOf(1, left, right) : Promise.resolve(left));
  }
  return above;
}

async function hashOf(kind: 0 | 1, ...parts: readonly Uint8Array[]): Promise<Uint8Array> {
  const bytes = new Uint8Array(1 + parts.reduce((sum, { length }) => sum + length, 0));
  bytes[0] = kind;
  let at = 1;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}
