import { readFileSync } from "node:fs";

/**
 * Bytes that this process has had the kernel write to disks since it began, whole pages as a card sees them.
 * @returns undefined where the kernel does not tell
 */
export function writtenBytes(path = "/proc/self/io"): number | undefined {
  try {
    const [, bytes] = /^write_bytes: (\d+)$/m.exec(readFileSync(path, "utf8")) ?? [];
    return bytes === undefined ? undefined : Number(bytes);
  } catch {
    return undefined;
  }
}
