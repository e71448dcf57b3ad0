import type { CommandLine } from "#shared/commandline";
import { consoleSettings, type ConsoleSettingsFlags } from "../cli/console-settings.ts";
import { connect, terminal } from "./compose/connect.ts";

const help = `
What is set here counts over flag, variable and file, also after a restart, until it is reset; the audit log has who did it. Settings that
would cut off who is connected are taken at a start alone.`;

/** `muster settings`: the console's own, while it runs. */
export function settings(line: CommandLine): void {
  line
    .command("settings [words...]", "list, get, set or reset settings of the console while it runs", "client")
    .option("--all", "list also defaults that cannot be changed while it runs")
    .option("--json", "print the API's documents")
    .addHelpText("after", help)
    .action(
      line.once(async (values, words: string[], flags: ConsoleSettingsFlags) =>
        terminal.out(await consoleSettings(connect(values), words, flags)),
      ),
    );
}
