import { existsSync } from "node:fs";
import { systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { forShell } from "#shared/printable";
import { removalText } from "#shared/removal-text";
import { Topics } from "#shared/topics";
import { brokersPort } from "../../console/accounts/secrets.ts";
import { removalPlan } from "../../console/devices/removal-plan.ts";
import { noteRemoval } from "../../console/devices/removals.ts";
import { bundlePath } from "../../tls/paths.ts";
import { confirm } from "#shared/confirm";
import { type Administration, cliUser, userName } from "./administration.ts";

/** Gives a device an account, and says how to begin on the device. */
export async function enrollDevice(
  { values, state, writeMosquittoFiles, out }: Administration,
  device: string,
): Promise<void> {
  const again = state.accounts.find(device) !== undefined;
  const event = { ...cliUser(), what: "device.enrolled", on: device, detail: { again } };
  const secret = await state.audit.around(event, () => state.accounts.set(device, "device"));
  await writeMosquittoFiles();
  const port = brokersPort(values);
  const topic = new Topics(values.root).build({ kind: "simple", device: parseDeviceId(device), path: "room" });
  if (again) out(`${device} was enrolled already: its old secret is void now, and an agent that uses it is thrown out`);
  out(`${device} is enrolled; its secret is shown this once. On the device:`);
  const bundle = bundlePath(values.data);
  const isTls = existsSync(bundle);
  if (isTls)
    out(
      `  MUSTER_MQTT_URL=mqtts://${device}:${secret}@THIS-HOST:${values.mqttsPort} npx muster agent --ca ca.crt   (a copy of ${bundle})`,
    );
  else out(`  MUSTER_MQTT_URL=mqtt://${device}:${secret}@THIS-HOST:${port} npx muster agent`);
  out("or from anything that speaks MQTT:");
  out(
    `  mosquitto_pub ${isTls ? `--cafile ca.crt -h THIS-HOST -p ${values.mqttsPort}` : `-h THIS-HOST -p ${port}`} -i ${device} -u ${device} -P ${secret} -t ${forShell(topic)} -m '{"temperature":21.5}'`,
  );
}

export interface DeviceFlags {
  readonly remove?: boolean;
  readonly revoke?: boolean;
  readonly yes?: boolean;
}

/** Takes a device away; what a console has of it, that console lets go of now or at its next start. @throws BadInputError for one that is not there */
export async function removeDevice(
  { values, state, writeMosquittoFiles, out }: Administration,
  name: string,
  { remove, revoke, yes }: DeviceFlags,
): Promise<void> {
  const device = parseDeviceId(name);
  if (revoke) return revokeCertificate({ state, writeMosquittoFiles, out }, device);
  const { accounts, database } = state;
  const role = accounts.find(device)?.role;
  if (!remove)
    throw new BadInputError(
      `expected --remove: to make ${device}, or to give it another secret, use muster enroll ${device}`,
    );
  if (role !== undefined && role !== "device")
    throw new BadInputError(`"${device}" is a ${role}: expected muster operator ${device} --remove`);
  const isHeard = database.prepare("SELECT 1 FROM devices WHERE id = ?").get(device) !== undefined;
  if (role === undefined && !isHeard)
    throw new BadInputError(`there is no device "${device}"; muster devices lists them`);
  out(removalText(removalPlan(database, device)));
  await confirm(
    `Remove ${device}, with its open commands, its groups and all that is known of it but its samples?`,
    yes,
  );
  await state.audit.around({ ...cliUser(), what: "device.removed", on: device }, () =>
    noteRemoval(state, { device, by: `${userName()} on this machine`, now: systemClock.now() }),
  );
  await accounts.synced();
  const { byHand } = await writeMosquittoFiles();
  out(`${device} is removed: what it had open ends now, what was to be sent to it is cancelled`);
  const influx = `; in InfluxDB this deletes them: DROP SERIES WHERE "host" = '${device}'`;
  out(`its samples stay as history${values.influxUrl === undefined ? "" : influx}`);
  if (byHand !== undefined) out(byHand);
  if (device === values.device)
    out(
      "an agent that muster start runs on this machine under this name comes back with the next start, as a new device",
    );
}

/** Ends a device's certificates, also where there is no console. */
async function revokeCertificate(
  { state, writeMosquittoFiles, out }: Omit<Administration, "values">,
  device: DeviceId,
): Promise<void> {
  const { who: by, from } = cliUser();
  if (state.certificates.revoke(device, { by, from }) === 0)
    throw new BadInputError(`${device} has no certificate that is good: muster devices lists who has one`);
  await state.accounts.synced();
  const { byHand } = await writeMosquittoFiles();
  out(
    `the certificate of ${device} is revoked, and what it had open with it ends; to let it in again: muster enroll ${device} --again --certificate`,
  );
  if (byHand !== undefined) out(byHand);
}
