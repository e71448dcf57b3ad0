import type { CommandLine } from "#shared/commandline";
import { refusedTable } from "../cli/refused-table.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster refused`: what was not taken of late. */
export function refused(line: CommandLine): void {
  line
    .command("refused [device]", "list what was refused of late and why, and what would have been taken", "client")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, device: string | undefined, { json }: { json?: boolean }) => {
        const { refusals } = await connect(values).listRefusals({ device });
        terminal.out(json ? asJson(refusals) : refusedTable(refusals, Date.now()));
      }),
    );
}
