import { counted } from "#shared/counted";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import { cliUser } from "./compose/administration.ts";

/** `muster backup`: all that a console keeps, in one file. */
export function backup(line: CommandLine): void {
  line
    .command("backup <file>", "copy a console's data directory into one file, also while the console runs", "doctor")
    .action(line.once(make));
}

async function make({ data, logLevel }: Settings, file: string): Promise<void> {
  const { makeBackup } = await import("../console/backup/make-backup.ts");
  const { openState } = await import("../console/state/state.ts");
  const state = openState(data, clock, createLog("console", logLevel), { syncsEach: true });
  // It is in the copy, and what cannot be written down is not done.
  try {
    state.audit.demand({ ...cliUser(), what: "data.backed-up", on: file });
  } finally {
    state.close();
  }
  const progress = (what: string): void => void process.stderr.write(`${what}\n`);
  const bytes = makeBackup({ directory: data, file, now: clock.now(), progress });
  process.stdout.write(
    `${file} has all of ${data} (${counted(bytes, "byte")}): hashes of passwords and secrets among it, so keep it from others. To put it back: muster restore ${file}\n`,
  );
}
