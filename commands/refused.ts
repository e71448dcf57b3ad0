import type { CommandLine } from "#shared/commandline";
import { counted } from "#shared/counted";
import { refusedPayload } from "../cli/refused-payload.ts";
import { refusedTable } from "../cli/refused-table.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

interface RefusedFlags {
  readonly forget?: boolean;
  readonly payload?: string;
  readonly json?: boolean;
}

/** `muster refused`: what was not taken of late. */
export function refused(line: CommandLine): void {
  line
    .command("refused [device]", "list what was refused of late and why, and what would have been taken", "client")
    .option("--forget", "begin the list anew")
    .option("--payload <number>", "print the message that was refused under this number, as far as it is kept")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, device: string | undefined, { forget, payload, json }: RefusedFlags) => {
        if (payload !== undefined)
          return terminal.out(refusedPayload(await connect(values).getRefusedPayload(payload), json));
        if (forget) {
          const { forgotten } = await connect(values).forgetRefusals({ device });
          return terminal.out(`${counted(forgotten, "refusal is", "refusals are")} forgotten`);
        }
        const { refusals } = await connect(values).listRefusals({ device });
        return terminal.out(json ? asJson(refusals) : refusedTable(refusals, Date.now()));
      }),
    );
}
