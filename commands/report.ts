import type { CommandLine } from "#shared/commandline";
import { showReport, type ReportFlags } from "../cli/show-report.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster report`: how the fleet was in a week or a month. */
export function report(line: CommandLine): void {
  line
    .command("report", "how the fleet was in a week or month: availability, samples, alerts, commands", "client")
    .usage(
      "[--week|--month] [--back N] [--group GROUP] [--zone ZONE]\n       muster report --from MOMENT [--to MOMENT]",
    )
    .option("--week", "the last week that is over (the default)")
    .option("--month", "the last month that is over")
    .option("--back <n>", "an earlier one: 2 is the one before; 0 is the one that is not over")
    .option("--from <moment>", "when it begins: ISO 8601, or a duration ago such as -10d")
    .option("--to <moment>", "when it ends (now)")
    .option("--zone <zone>", "the time zone whose weeks and months are meant (default: this machine's)")
    .option("--group <group>", "of the devices of this group alone")
    .option("--limit <n>", "devices that are told one by one (50)")
    .option("--json", "print the API's document")
    .option("--csv", "print the devices as CSV")
    .action(
      line.once(async (values, flags: ReportFlags) =>
        terminal.out(await showReport(connect(values), flags, Intl.DateTimeFormat().resolvedOptions().timeZone)),
      ),
    );
}
