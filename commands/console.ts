import type { CommandLine } from "#shared/commandline";
import { brokerHere } from "#shared/address";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import type { GivenSettings } from "#shared/settings/load-settings";
import type { Settings } from "#shared/settings";
import { admitAdmin, adminWasShown, shownOnce } from "./compose/first-admin.ts";
import { patienceAtStart, runConsole } from "./compose/serve-console.ts";
import { openData } from "./compose/data.ts";
import { keepHeapLean } from "./compose/lean-heap.ts";
import { keepMosquittoFiles } from "./compose/keep-mosquitto.ts";
import { noteSettings } from "./compose/note-settings.ts";
import { portsOf } from "./compose/ports.ts";
import { opening, openTls } from "./compose/tls.ts";

/** `muster console`: the console alone, beside a broker. */
export function console(line: CommandLine): void {
  line.command("console", "run the console alone, beside a broker", "console").action(line.serve(serve));
}

async function serve(values: Settings, given: GivenSettings, lifetime: Lifetime, net: SafetyNet): Promise<void> {
  keepHeapLean();
  const state = await openData(values, lifetime, true);
  await noteSettings(state, given);
  const password = await admitAdmin(state, values.adminPassword);
  const tls = await openTls(values, lifetime);
  const { console, serve: open } = await runConsole(values, given, state, {
    tls,
    lifetime,
    net,
    ports: await portsOf(values, { mqtt: false, http: true }),
  });
  const { http, port } = await open();
  if (values.mqttUrl !== undefined) await keepMosquittoFiles(values, state, lifetime, tls);
  const { externalBroker } = await import("../cli/banner.ts");
  const problem = await console.reachBroker(patienceAtStart);
  process.stdout.write(`Muster's console listens at ${http}\n`);
  for (const sentence of opening(tls, values, { http: port })) process.stdout.write(`${sentence}\n`);
  process.stdout.write(`  ${externalBroker(values.mqttUrl ?? brokerHere(values), { problem })}\n`);
  if (password !== undefined) process.stdout.write(`${shownOnce(password)}\n`);
  adminWasShown(state);
}
