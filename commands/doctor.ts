import { join } from "node:path";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import { BadInputError } from "#shared/errors";
import type { Settings } from "#shared/settings";
import type { Examined } from "../cli/doctor-report.ts";

const help = `
Without --mend nothing is changed, and a console or agent may be at work in the directory. Each file is looked at page by page, and each
row by the reader that the console or agent has for it. Exit status: 0 nothing is damaged, or all of it was mended; 1 something is damaged.`;

/** `muster doctor`: what is damaged in a data directory. */
export function doctor(line: CommandLine): void {
  line
    .command(
      "doctor",
      "look at a data directory, a console's or an agent's: what is in it, and what is damaged",
      "doctor",
    )
    .option("--mend", "set aside what is damaged, as a start would do it; what works in the directory must be stopped")
    .addHelpText("after", help)
    .action(line.once(examine));
}

/** Looks at what is in a data directory, a console's or an agent's or both, and says what is damaged; `mend` sets that aside. */
async function examine({ data }: Settings, { mend = false }: { mend?: boolean }): Promise<void> {
  const { isConsoleDirectory, lookAtConsole } = await import("../console/doctor/look.ts");
  const { isAgents, lookAtAgent, mendAgent } = await import("../agent/agent-doctor.ts");
  const { mendConsole } = await import("../console/doctor/mend-console.ts");
  const { damagedIn, doctorsReport } = await import("../cli/doctor-report.ts");
  const agents = [data, join(data, "agent")].filter(isAgents);
  const consoles = [data].filter(isConsoleDirectory);
  if (agents.length + consoles.length === 0)
    throw new BadInputError(
      `there is nothing of Muster's in ${data}: name the directory of a console or an agent with --data. If there was something, see whether its disk is mounted`,
    );
  const examined: Examined[] = [];
  for (const directory of consoles) {
    const mended = mend ? mendConsole(directory, clock) : [];
    examined.push({ directory, whose: "a console's", findings: [...mended, ...lookAtConsole(directory)] });
  }
  for (const directory of agents) {
    const mended = mend ? await mendAgent(directory) : [];
    examined.push({ directory, whose: "an agent's", findings: [...mended, ...lookAtAgent(directory)] });
  }
  process.stdout.write(`${doctorsReport(examined, mend)}\n`);
  if (damagedIn(examined) > 0) process.exitCode = 1;
}
