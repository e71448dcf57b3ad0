import { cpSync, lstatSync } from "node:fs";

/** A directory of Muster's as a backup has it: without the sockets of its locks, which Node cannot copy and nobody needs. */
export function copyDirectory(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !lstatSync(path).isSocket() });
}
