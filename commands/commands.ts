import type { CommandLine } from "#shared/commandline";
import { commandStates, type CommandState } from "#shared/command-states";
import { BadInputError } from "#shared/errors";
import { listed } from "../cli/client-at.ts";
import { commandTable } from "../cli/fleet-tables.ts";
import { asJson } from "../cli/text-table.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster commands`: the newest ones. */
export function commands(line: CommandLine): void {
  line
    .command("commands", "list commands, newest first", "client")
    .option("--device <id>", "of one device")
    .option("--state <state>", "in one state, such as queued, running, succeeded")
    .option("--limit <count>", "at most so many", "20")
    .option("--json", "print the API's documents")
    .action(
      line.once(
        async (values, { device, state, limit, json }: Record<string, string> & { limit: string; json?: string }) => {
          if (state !== undefined && !isState(state))
            throw new BadInputError(`--state is "${state}": expected ${commandStates.join(", ")}`);
          const client = connect(values);
          const commands = await listed(
            (before, left) => client.listCommands({ device, state, limit: left, before }),
            (page) => page.commands,
            Number(limit),
          );
          // A device that was removed may have commands still; one that never was has none, and is probably mistyped.
          if (commands.length === 0 && device !== undefined) await client.getDevice(device);
          terminal.out(json ? asJson(commands) : commandTable(commands, Date.now(), device ?? state));
        },
      ),
    );
}

function isState(text: string): text is CommandState {
  return commandStates.some((known) => known === text);
}
