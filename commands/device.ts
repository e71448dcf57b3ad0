import type { CommandLine } from "#shared/commandline";
import { removeDevice } from "./compose/administration.ts";
import { administer } from "./compose/administer.ts";

/** `muster device`: takes a device away. */
export function device(line: CommandLine): void {
  line
    .command("device <name>", "take a device away", "device")
    .option("--remove", "its account, connections, open commands, groups and all that is known of it; its samples stay")
    .option("--yes", "without a question")
    .action(administer(line, removeDevice));
}
