import type { CommandLine } from "#shared/commandline";
import { stated } from "../cli/send-command.ts";
import { connect, ofDevice, terminal } from "./compose/connect.ts";

/** `muster cancel`: withdraws a command. */
export function cancel(line: CommandLine): void {
  line
    .command("cancel <id>", "withdraw a command; exit status 1 where it had ended already", "client")
    .option(...ofDevice)
    .action(
      line.once(async (values, id: string, { device }: { device?: string }) => {
        const client = connect(values);
        const before = await client.getCommand(id, { device });
        const { state, explain } = await client.cancelCommand(id, { device });
        terminal.out(stated(state, explain));
        if (before.ended === undefined && state === "cancelled") return;
        terminal.err("nothing was withdrawn: it had ended already\n");
        process.exitCode = 1;
      }),
    );
}
