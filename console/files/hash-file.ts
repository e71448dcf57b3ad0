import { createHash, type Hash } from "node:crypto";
import { read } from "node:fs";
import { promisify } from "node:util";

const readFrom = promisify(read);
const atOnce = 64 * 1024;

/** Hashes what stands in an open file up to there. @throws where it is shorter */
export async function hashFile(file: number, size: number): Promise<Hash> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(atOnce);
  for (let at = 0; at < size;) {
    const { bytesRead } = await readFrom(file, buffer, 0, Math.min(atOnce, size - at), at);
    if (bytesRead === 0) throw new Error(`a file ended after ${at} of ${size} bytes`);
    hash.update(buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
  return hash;
}
