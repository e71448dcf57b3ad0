import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asError } from "#shared/errors";
import { Home, type Disks } from "./home.ts";

/** Tries what this machine lets us mount, and says what a run has to do without. */
export function disksOf(say: (line: string) => void): Disks {
  if (process.getuid?.() !== 0) {
    say("no root: in this run no disk is filled and no power cut");
    return "none";
  }
  for (const disks of ["images", "small"] as const) {
    const directory = mkdtempSync(join(tmpdir(), "muster-chaos-disk-"));
    try {
      new Home(join(directory, "home"), join(directory, "aside"), disks, 1_024).remove();
      return disks;
    } catch (thrown) {
      say(`${without[disks]}: ${asError(thrown).message.trim().split("\n").at(-1)}`);
    } finally {
      rmSync(directory, { recursive: true, force: true });
    }
  }
  return "none";
}

const without = {
  images: "no loop mounts: in this run no power is cut",
  small: "no mounts: in this run no disk is filled",
};
