import { existsSync, readFileSync } from "node:fs";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { forShell } from "#shared/printable";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import { bundlePath } from "../tls/paths.ts";
import { cliUser } from "./compose/administration.ts";

/** `muster restore`: a backup in the place of a data directory. */
export function restore(line: CommandLine): void {
  line
    .command("restore <file>", "put a backup in the place of a console's data directory (--data)", "doctor")
    .option("--force", "also where the directory is not empty: what is in it is set aside")
    .action(line.once(putBack));
}

async function putBack(
  { data, logLevel }: Settings,
  file: string,
  { force = false }: { force?: boolean },
): Promise<void> {
  const { restoreBackup } = await import("../console/backup/restore-backup.ts");
  const { who } = cliUser();
  const log = createLog("console", logLevel);
  const { at, before } = restoreBackup({ file, directory: data, force, who, clock, log });
  const aside = before === undefined ? "" : `; what was there before is ${before}`;
  // Devices that were told of a newer authority trust that alone.
  const isOther = before !== undefined && bundleIn(before) !== undefined && bundleIn(before) !== bundleIn(data);
  process.stdout.write(
    `${data} is as it was at ${new Date(at).toISOString()}${aside}\ncommands that were queued then are not begun: their devices are asked. Accounts and passwords are those of then: remove and change again who was removed or changed since. A device whose secret was changed since is let in again by: muster enroll NAME --again\n`,
  );
  if (isOther)
    process.stdout.write(
      `the CA is another one than before: devices that trust the one of before are let in again by putting it back, before the start: rm -rf ${forShell(`${data}/tls`)} && cp -a ${forShell(`${before}/tls`)} ${forShell(`${data}/tls`)}\n`,
    );
}

/** Whom a data directory's devices trust, as PEM. */
function bundleIn(directory: string): string | undefined {
  const path = bundlePath(directory);
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}
