import type { ProcReader } from "./proc.ts";

/** utmp(5): a record is `type`, a 16-bit number, and the user's name at byte 44. Type 7 is a user's login. */
const userProcess = 7;
const nameStart = 44;
const nameEnd = 76;
/** The record's time is 32 bits wide on most machines and 64 on the newer 64-bit ones. */
const recordBytes = ["arm64", "loong64"].includes(process.arch) ? [400, 384] : [384, 400];

/** How many logins there are and of how many people. Nothing where the system keeps no utmp any more. */
export function users(proc: ProcReader): { n_users?: number; n_unique_users?: number } {
  const records = proc.bytes("/var/run/utmp");
  const size = records && recordBytes.find((bytes) => records.length % bytes === 0);
  if (!size) return {};
  const names: string[] = [];
  for (let at = 0; at < records.length; at += size) {
    if (records.readInt16LE(at) !== userProcess) continue;
    names.push(records.toString("utf8", at + nameStart, at + nameEnd).replace(/\0.*$/s, ""));
  }
  return { n_users: names.length, n_unique_users: new Set(names).size };
}
