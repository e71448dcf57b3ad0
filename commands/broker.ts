import type { CommandLine } from "#shared/commandline";
import type { Lifetime } from "#shared/lifetime";
import type { SafetyNet } from "#shared/safety-net";
import type { SettingName, Settings } from "#shared/settings";
import { admitAdmin, adminWasShown, shownOnce } from "./compose/first-admin.ts";
import { openBroker } from "./compose/open-broker.ts";
import { openData } from "./compose/data.ts";
import { keepHeapLean } from "./compose/lean-heap.ts";
import { portsOf } from "./compose/ports.ts";
import { auditDoor } from "./compose/audit-door.ts";
import { opening, openTls } from "./compose/tls.ts";

/** `muster broker`: the embedded broker alone. */
export function broker(line: CommandLine): void {
  line.command("broker", "run the embedded broker alone", "broker").action(line.serve(serve));
}

async function serve(
  values: Settings,
  _given: ReadonlySet<SettingName>,
  lifetime: Lifetime,
  net: SafetyNet,
): Promise<void> {
  keepHeapLean();
  const state = await openData(values, lifetime, false);
  const password = await admitAdmin(state, values.adminPassword);
  const tls = await openTls(values, lifetime);
  const broker = await openBroker(values, state, {
    lifetime,
    net,
    ports: await portsOf(values, { mqtt: true, http: false }),
    tls,
  });
  await auditDoor(state, broker, lifetime, values);
  const { url, tlsPort } = await broker.listen();
  process.stdout.write(`Muster's broker listens at ${url}\n`);
  for (const sentence of opening(tls, values, { mqtts: tlsPort })) process.stdout.write(`${sentence}\n`);
  if (password !== undefined) process.stdout.write(`${shownOnce(password)}\n`);
  adminWasShown(state);
}
