import type { CommandLine } from "#shared/commandline";
import { alertsVerb, type AlertFlags } from "../cli/alerts-verb.ts";
import { readText } from "../cli/read-text.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster alerts`: what fires, the rules, and when nobody is told. */
export function alerts(line: CommandLine): void {
  line
    .command("alerts [words...]", "what fires, the rules that find it, and when nobody is told", "client")
    .usage(
      "[list] [--over] [--device DEVICE] [--rule RULE]\n       muster alerts show|ack|silence ID [--for 2h] [--note TEXT]\n       muster alerts rules | export [--own] | apply FILE [--prune] | remove RULE | test RULE --device DEVICE\n       muster alerts maintenance [list] | add --where CONDITIONS --for 2h [--cron LINE] | remove ID",
    )
    .option("--over", "alerts that are over, in place of those that fire")
    .option("--device <device>", "of this device alone")
    .option("--rule <rule>", "of this rule alone; * stands for any characters")
    .option("--where <conditions>", "of these devices, in the filter language")
    .option("--for <duration>", "how long nobody is told (a silence: 1h)")
    .option("--from <moment>", "when it begins: ISO 8601, now, or a duration ago")
    .option("--until <moment>", "when it ends")
    .option("--cron <line>", "when it begins again: minute, hour, day of the month, month, day of the week")
    .option("--zone <zone>", "the time zone of the cron line (default: this machine's)")
    .option("--note <text>", "why, for people")
    .option("--prune", "with apply: people's rules that are not in the file go")
    .option("--own", "with export: only rules that are not as they are shipped")
    .option("--json", "print the API's documents")
    .addHelpText(
      "after",
      "\nExamples:\n  muster alerts export > rules.yaml && muster alerts apply rules.yaml\n  muster alerts silence 0mh3… --for 2h --note 'disk is ordered'\n  muster alerts maintenance add --where group=lab --cron '0 3 * * 0' --for 2h",
    )
    .action(
      line.once(async (values, words: readonly string[], flags: AlertFlags) =>
        terminal.out(await alertsVerb({ client: connect(values), words, flags, now: Date.now(), read: readText })),
      ),
    );
}
