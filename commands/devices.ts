import type { CommandLine } from "#shared/commandline";
import { listed } from "../cli/client-at.ts";
import { gapTable } from "../cli/gap-table.ts";
import { deviceTable } from "../cli/fleet-tables.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster devices`: the fleet, and what is missing of its samples. */
export function devices(line: CommandLine): void {
  line
    .command("devices", "list the fleet", "client")
    .option("--gaps", "list what of their samples is stored, missing and outstanding: from when to when, and why")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, { gaps, json }: { gaps?: boolean; json?: boolean }) => {
        const client = connect(values);
        const print = <T>(documents: T, toTable: (documents: T) => string): void =>
          terminal.out(json ? asJson(documents) : toTable(documents));
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
              (after) => client.listDevices({ after }),
              (page) => page.devices,
            ),
            (devices) => deviceTable(devices, Date.now()),
          );
      }),
    );
}
