import type { CommandLine } from "#shared/commandline";
import { stated } from "../cli/send.ts";
import { connect, ofDevice, terminal } from "./compose/client.ts";

/** `muster cancel`: withdraws a command. */
export function cancel(line: CommandLine): void {
  line
    .command("cancel <id>", "withdraw a command", "client")
    .option(...ofDevice)
    .action(
      line.once(async (values, id: string, { device }: { device?: string }) => {
        const { state, explain } = await connect(values).cancelCommand(id, { device });
        terminal.out(stated(state, explain));
      }),
    );
}
