import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { systemClock as clock } from "#shared/clock";
import { damagedIn, doctorsReport, type Examined } from "#shared/doctor-report";
import { asError, BadInputError, SettingsError } from "#shared/errors";
import { readBundle } from "#shared/pinned-ca";
import { loadSettings } from "#shared/settings/load-settings";
import { isAgents, lookAtAgent, mendAgent } from "./agent-doctor.ts";
import { lookAroundAgent, lookAtUpdate } from "./doctor-around.ts";
import { placeOf } from "./join/install.ts";

const usage = `Usage: node muster-agent.cjs doctor [options]

Looks at the agent's directory on this machine, and around it: disk, clock, broker, console, certificate. Changes nothing without --mend, and may
be asked while the agent is at work. Exit status: 0 nothing is damaged, or all of it was mended; 1 something is damaged.

  --dir <directory>    where the agent is installed (default: /var/lib/muster-agent for root, else ~/.muster-agent)
  --data <directory>   its data directory, where it was not installed
  --config <file>      its settings file
  --mend               set aside what is damaged, as a start would do it; the agent must be stopped
`;

/** `doctor`, by the words behind it: `muster doctor` of a machine that has the agent alone. */
export async function doctorByWords(words: readonly string[], say: (text: string) => void): Promise<void> {
  const { values: given } = read(words);
  if (given.help) return say(usage);
  const { values, given: settings } = loadSettings({ flags: {}, env: process.env, file: given.config });
  const chosen = given.data ?? (settings.has("data") && given.dir === undefined ? values.data : undefined);
  const { state, data } = placeOf({ dir: given.dir });
  const directory = [chosen ?? data, join(chosen ?? data, "agent")].find(isAgents);
  if (directory === undefined)
    throw new BadInputError(
      `there is nothing of an agent's in ${chosen ?? data}: say where it is installed with --dir, or its data directory with --data. If there was something, see whether its disk is mounted`,
    );
  const around = { mqttUrl: values.mqttUrl, ca: values.ca === undefined ? undefined : readBundle(values.ca) };
  const findings = [
    ...(given.mend ? await mendAgent(directory) : []),
    ...lookAtAgent(directory),
    ...(await lookAroundAgent(directory, around, () => clock.now())),
    ...lookAtUpdate(chosen === undefined ? state : dirname(chosen)),
  ];
  const examined: Examined[] = [{ directory, whose: "an agent's", findings }];
  say(`${doctorsReport(examined, given.mend ?? false)}\n`);
  if (damagedIn(examined) > 0) process.exitCode = 1;
}

function read(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      options: {
        dir: { type: "string" },
        data: { type: "string" },
        config: { type: "string" },
        mend: { type: "boolean" },
        help: { type: "boolean" },
      },
    });
  } catch (error) {
    throw new SettingsError([`${asError(error).message} (--help tells more)`]);
  }
}
