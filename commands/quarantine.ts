import type { CommandLine } from "#shared/commandline";
import { showQuarantine, type QuarantineFlags } from "../cli/show-quarantine.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster quarantine`: what was set aside. */
export function quarantine(line: CommandLine): void {
  line
    .command(
      "quarantine [device]",
      "list fields and series that were set aside instead of stored, and what to do about them",
      "client",
    )
    .option("--forget", "begin the list anew; what is still wrong comes back by itself")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, device: string | undefined, flags: QuarantineFlags) =>
        terminal.out(await showQuarantine(connect(values), device, flags, Date.now())),
      ),
    );
}
