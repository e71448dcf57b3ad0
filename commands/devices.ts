import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import { listed } from "../cli/client-at.ts";
import { gapTable } from "../cli/gap-table.ts";
import { deviceTable } from "../cli/fleet-tables.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster devices`: the fleet, and what is missing of its samples. */
export function devices(line: CommandLine): void {
  line
    .command("devices", "list the fleet", "client")
    .option("--where <filter>", "only those that fit, such as 'group=lab cpu.usage_idle<20 version<0.3 silent>5m'")
    .option("--gaps", "list what of their samples is stored, missing and outstanding: from when to when, and why")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, { where, gaps, json }: { where?: string; gaps?: boolean; json?: boolean }) => {
        const client = connect(values);
        const print = <T>(documents: T, toTable: (documents: T) => string): void =>
          terminal.out(json ? asJson(documents) : toTable(documents));
        if (gaps && where !== undefined)
          throw new BadInputError("--where and --gaps exclude one another: give one of them");
        if (gaps)
          print(
            await listed(
              (after) => client.listCompleteness({ after }),
              (page) => page.devices,
            ),
            gapTable,
          );
        else
          print(
            await listed(
              (after) => client.listDevices({ after, where }),
              (page) => page.devices,
            ),
            (devices) => deviceTable(devices, Date.now(), where),
          );
      }),
    );
}
