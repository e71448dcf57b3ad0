import type { CommandLine } from "#shared/commandline";
import { showSessions, type SessionFlags } from "../cli/show-sessions.ts";
import { connect, terminal } from "./compose/connect.ts";

/** `muster sessions`: who is logged in. */
export function sessions(line: CommandLine): void {
  line
    .command("sessions", "list who is logged in: your own sessions and tokens, or for an admin everybody's", "client")
    .option("--end <id>", "end one, and what is open with it")
    .option("--json", "print the API's documents")
    .action(
      line.once(async (values, flags: SessionFlags) =>
        terminal.out(await showSessions(connect(values), flags, Date.now())),
      ),
    );
}
