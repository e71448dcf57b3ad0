import type { CommandLine } from "#shared/commandline";
import { enrollDevice } from "./compose/administration.ts";
import { administer } from "./compose/administer.ts";

/** `muster enroll`: an account for a device. */
export function enroll(line: CommandLine): void {
  line
    .command("enroll <device>", "give a device an account, and print its secret once", "enroll")
    .action(administer(line, enrollDevice));
}
