import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { askFleet, type AskFlags } from "../cli/ask-fleet.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster ask`: values of many devices as a table. */
export function ask(line: CommandLine): void {
  line
    .command("ask <where> <columns>", "the newest values of the devices that fit, as a table", "client")
    .option("--fresh", "have each take a sample now, and say who did not answer (exit status 1)")
    .option("--timeout <duration>", "with --fresh: how long to wait for an answer", "10s")
    .option("--sort <column>", "by this column; -COLUMN for the largest first")
    .option("--csv", "print CSV")
    .option("--json", "print JSON")
    .addHelpText(
      "after",
      "\nExamples:\n  muster ask group=lab 'mem.used_percent, system.uptime'\n  muster ask 'version<0.3 silent<5m' 'version, disk.used_percent' --sort=-disk.used_percent\n  muster ask '' sensors.temperature --fresh --csv",
    )
    .action(
      line.once(async (values, where: string, columns: string, flags: AskFlags) => {
        if (flags.csv && flags.json) throw new BadInputError("--csv and --json exclude one another: give one of them");
        process.exitCode = await askFleet(connect(values), where, columns, flags, terminal);
      }),
    );
}
