import type { CommandLine } from "#shared/commandline";
import { parseBrokerUrl } from "#shared/address";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import type { GivenSettings } from "#shared/settings/load-settings";
import { intervalInStart, type Settings } from "#shared/settings";
import { admitAdmin, adminWasShown } from "./compose/first-admin.ts";
import { openBroker } from "./compose/open-broker.ts";
import { patienceAtStart, runConsole } from "./compose/serve-console.ts";
import { openData } from "./compose/data.ts";
import { keepHeapLean } from "./compose/lean-heap.ts";
import { flagsOfVerbs } from "./compose/flags-of-verbs.ts";
import { keepMosquittoFiles } from "./compose/keep-mosquitto.ts";
import { noteSettings } from "./compose/note-settings.ts";
import { portsOf } from "./compose/ports.ts";
import { opening, openTls } from "./compose/tls.ts";

/** `muster start`: everything, in one process. */
export function start(line: CommandLine): void {
  line
    .command("start", "run the broker, the console and an agent for this machine in one process", "start")
    .action(line.serve(serve));
}

/**
 * Broker, console and agent, each on the one before; the console sits on the embedded broker without a socket. The broker listens when
 * the console takes what comes, and stops before it: what it acknowledges, the console has. People come in last, and are shut out first.
 */
async function serve(values: Settings, given: GivenSettings, lifetime: Lifetime, net: SafetyNet): Promise<void> {
  keepHeapLean();
  const state = await openData(values, lifetime, true);
  await noteSettings(state, given);
  const password = await admitAdmin(state, values.adminPassword);
  const tls = await openTls(values, lifetime);
  let tlsPort: number | undefined;
  const around = {
    lifetime,
    net,
    tls,
    tlsPort: () => tlsPort,
    ports: await portsOf(values, { mqtt: values.mqttUrl === undefined, http: true }),
  };
  const embedded = values.mqttUrl === undefined ? await openBroker(values, state, around) : undefined;
  const { console, serve: open } = await runConsole(values, given, state, around, embedded?.bus);
  embedded?.onTurnedAway((who) => console.turnedAway(who));
  embedded?.onLetIn((who, address) => console.letIn(who, address));
  const places = await embedded?.listen(() => console.goodbye());
  tlsPort = places?.tlsPort;
  // Only now: devices are heard again while what people need is still being made.
  const { http, port } = await open();
  const broker = places?.url ?? values.mqttUrl ?? "";
  const { localSecret } = await import("../console/accounts/secrets.ts");
  const { serveAgent } = await import("../agent/agent-service.ts");
  const agent = {
    ...values,
    mqttUrl: parseBrokerUrl(broker).url,
    interval: given.has("interval") ? values.interval : intervalInStart,
    mqttVersion: embedded ? (4 as const) : values.mqttVersion,
  };
  const secret = await localSecret(state, values.device, "device");
  await serveAgent(agent, secret, { lifetime, net });
  if (values.mqttUrl !== undefined) await keepMosquittoFiles(values, state, lifetime, tls);
  const { banner } = await import("../cli/banner.ts");
  process.stdout.write(
    banner({
      http,
      broker,
      external: embedded ? undefined : { problem: await console.reachBroker(patienceAtStart) },
      password,
      device: values.device,
      root: values.root,
      flags: flagsOfVerbs({ data: values.data, httpPort: port }),
      dataFlags: flagsOfVerbs({ data: values.data }),
      open: opening(tls, values, { http: port, mqtts: places?.tlsPort }),
    }),
  );
  adminWasShown(state);
}
