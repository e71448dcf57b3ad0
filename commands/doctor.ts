import { join } from "node:path";
import { systemClock as clock } from "#shared/clock";
import type { CommandLine } from "#shared/commandline";
import type { Examined } from "#shared/doctor-report";
import { BadInputError } from "#shared/errors";
import type { Finding } from "#shared/finding";
import { readBundle } from "#shared/pinned-ca";
import type { Settings } from "#shared/settings";

const help = `
Without --mend nothing is changed, and a console or agent may be at work in the directory. Each file is looked at page by page, and each
row by the reader that the console or agent has for it. Then come ports, clock, disk, certificates, the broker and InfluxDB, by this machine's
settings; what is to be seen to says what to do. Exit status, of the directory alone: 0 nothing is damaged, or all of it was mended; 1 something is damaged.`;

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
async function examine(values: Settings, { mend = false }: { mend?: boolean }): Promise<void> {
  const { data } = values;
  const { isConsoleDirectory, lookAtConsole } = await import("../console/doctor/look.ts");
  const { isAgents, lookAtAgent, mendAgent } = await import("../agent/agent-doctor.ts");
  const { mendConsole } = await import("../console/doctor/mend-console.ts");
  const { lookAroundAgent } = await import("../agent/doctor-around.ts");
  const { damagedIn, doctorsReport } = await import("#shared/doctor-report");
  const agents = [data, join(data, "agent")].filter(isAgents);
  const consoles = [data].filter(isConsoleDirectory);
  if (agents.length + consoles.length === 0)
    throw new BadInputError(
      `there is nothing of Muster's in ${data}: name the directory of a console or an agent with --data. If there was something, see whether its disk is mounted`,
    );
  const examined: Examined[] = [];
  for (const directory of consoles) {
    const mended = mend ? mendConsole(directory, clock) : [];
    examined.push({
      directory,
      whose: "a console's",
      findings: [...mended, ...lookAtConsole(directory), ...(await aroundConsole(values))],
    });
  }
  for (const directory of agents) {
    const mended = mend ? await mendAgent(directory) : [];
    examined.push({
      directory,
      whose: "an agent's",
      findings: [
        ...mended,
        ...lookAtAgent(directory),
        ...(await lookAroundAgent(directory, { mqttUrl: values.mqttUrl, ca: trusted(values) }, () => clock.now())),
      ],
    });
  }
  process.stdout.write(`${doctorsReport(examined, mend)}\n`);
  if (damagedIn(examined) > 0) process.exitCode = 1;
}

/** What a console needs beside its directory. */
async function aroundConsole(values: Settings): Promise<Finding[]> {
  const { data, listen, httpPort, mqttPort, mqttUrl, influxUrl } = values;
  const around = await import("./compose/look-around.ts");
  const { lookAtBroker, lookAtClock, lookAtDisk, tightDisk } = await import("#shared/around-directory");
  const isOurs = (host: string): Promise<boolean> => around.isConsole(host, httpPort);
  const page = await around.lookAtPort({ listen, port: httpPort, setting: "MUSTER_HTTP_PORT" }, isOurs);
  return [
    page,
    mqttUrl === undefined
      ? await around.lookAtPort({ listen, port: mqttPort, setting: "MUSTER_MQTT_PORT" }, isOurs)
      : await lookAtBroker(mqttUrl, trusted(values)),
    ...(influxUrl === undefined ? [] : [await around.lookAtInflux(influxUrl)]),
    lookAtClock(data, clock.now()),
    lookAtDisk(data, tightDisk.console),
    ...around.lookAtCertificates(join(data, "tls"), clock.now()),
  ];
}

function trusted({ ca }: Settings): string | undefined {
  return ca === undefined ? undefined : readBundle(ca);
}
