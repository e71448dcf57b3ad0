import type { CommandLine } from "#shared/commandline";
import { story } from "../cli/live-command.ts";
import { connect, ofDevice, terminal } from "./compose/connect.ts";

/** `muster explain`: one command's story. */
export function explain(line: CommandLine): void {
  line
    .command("explain <id>", "tell a command's story, what it waits for and who acts next", "client")
    .option(...ofDevice)
    .action(
      line.once(async (values, id: string, { device }: { device?: string }) =>
        terminal.out(story(await connect(values).getCommand(id, { device }))),
      ),
    );
}
