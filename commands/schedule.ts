import type { CommandLine } from "#shared/commandline";
import { scheduleVerb, type ScheduleFlags } from "../cli/schedule-verb.ts";
import { manyOptions } from "../cli/send-to-many.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster schedule`: commands that are begun by the clock. */
export function schedule(line: CommandLine): void {
  manyOptions(line.command("schedule [words...]", "have commands begun by the clock, on one device or many", "client"))
    .usage(
      "[list]\n       muster schedule add CRON KEY [options] --device DEVICE|--group GROUP|--where CONDITIONS|--all\n       muster schedule change ID CRON KEY [options] --device DEVICE|…\n       muster schedule show|pause|resume|remove ID",
    )
    .option("--device <device...>", "to these devices")
    .option("--name <name>", "what people read")
    .option("--zone <zone>", "the time zone of the cron line (default: this machine's)")
    .option("--window <duration>", "how long after its time a run may still begin (default: 1h)")
    .option("--missed <run|tell>", "what becomes of a run that was missed, within its window (default: run)")
    .option("--arg <name=value>", "an argument; may be given several times", (pair: string, all?: string[]) => [
      ...(all ?? []),
      pair,
    ])
    .option("--ttl <duration>", "how long each command may wait for its device (default: 1h)")
    .option("--timeout <duration>", "how long a device may take")
    .option("--json", "print the API's documents")
    .addHelpText(
      "after",
      "\nExamples:\n  muster schedule add '0 3 * * 1-5' report --group lab --zone Europe/Berlin\n  muster schedule add '*/30 * * * *' ping --all --missed tell\n  muster schedule pause 0mh3…",
    )
    .action(
      line.once(async (values, words: readonly string[], flags: ScheduleFlags) =>
        terminal.out(await scheduleVerb(connect(values), words, flags, Date.now())),
      ),
    );
}
