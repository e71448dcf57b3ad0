import { existsSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isLoopbackHost } from "#shared/address";
import { Lifetime } from "#shared/lifetime";
import { forShell } from "#shared/printable";
import { settings as settingsOf, type Settings } from "#shared/settings";
import { localSecret } from "../../console/accounts/secrets.ts";
import { writeTlsOfMosquitto } from "./keep-mosquitto.ts";
import { openTls } from "./tls.ts";
import { mqttSecretOf } from "./administer-people.ts";
import type { Administration } from "./administration.ts";
import { adminWasShown, admitAdmin, shownOnce } from "./first-admin.ts";

/** The settings that come with Muster, and where they look for the accounts. */
const shipped = { settings: "mosquitto.conf", directory: "data/mosquitto" } as const;

/** Where they are: in this directory, as in a clone, or in the package. */
function shippedSettings(): string {
  if (existsSync(shipped.settings)) return shipped.settings;
  // Beside the bundle in dist/, and beside the sources.
  const places = ["../", "../../"].map((up) => fileURLToPath(new URL(up + shipped.settings, import.meta.url)));
  return places.find((path) => existsSync(path)) ?? shipped.settings;
}

/** Makes what an external Mosquitto needs before it is started; with a secret for the administrator, once, unless `admin` is false. */
export async function prepareMosquitto(
  administration: Administration,
  { admin = true }: { readonly admin?: boolean } = {},
): Promise<void> {
  const { values, state, writeMosquittoFiles, out } = administration;
  await localSecret(state, "console", "console");
  await localSecret(state, values.device, "device");
  const password = await admitAdmin(state, values.adminPassword);
  const main = state.accounts.mainAdmin();
  const first = admin && main !== undefined && state.mqttSecrets.hashOf(main) === undefined;
  const secret = first ? mqttSecretOf(state, main) : undefined;
  // First, as it is then that the accounts' files know of certificates.
  const isTls = await writeMosquittoTls(values);
  const { directory } = await writeMosquittoFiles(true);
  const settings = shippedSettings();
  const isOtherPort = values.mqttPort !== settingsOf.mqttPort.default;
  const isOwn = directory !== shipped.directory || isTls || isOtherPort;
  const own = isOwn ? join(directory, shipped.settings) : settings;
  out(
    `wrote ${directory}/passwd and ${directory}/acl${isTls ? ", and for TLS server.pem, ca.crt, tls.conf, devices.crt and revoked.pem" : ""}`,
  );
  if (isOwn) {
    const behind = isTls ? ` ${forShell(join(directory, "tls.conf"))}` : "";
    // What a setting's name stands before: the paths of `tls.conf` are whole, and may have the same words in them.
    const changes = [`s# ${shipped.directory}# ${directory}#`];
    if (isOtherPort) changes.push(`s#^listener ${settingsOf.mqttPort.default} #listener ${values.mqttPort} #`);
    const what = isOtherPort ? "this directory and port" : "this directory";
    out(
      `first the settings with ${what} in them: sed ${changes.map((change) => `-e ${forShell(change)}`).join(" ")} ${forShell(settings)}${behind} > ${forShell(own)}`,
    );
  }
  out(`now run: mosquitto -c ${forShell(own)}`);
  out(`then the console: MUSTER_MQTT_URL=mqtt://127.0.0.1:${values.mqttPort} npx muster start`);
  if (password !== undefined) out(shownOnce(password));
  adminWasShown(state);
  if (secret !== undefined) out(secret);
}

/** What Mosquitto needs to speak TLS, where it is to be reached beyond loopback. @returns whether it is */
async function writeMosquittoTls(values: Settings): Promise<boolean> {
  if (isLoopbackHost(values.listen)) return false;
  const lifetime = new Lifetime();
  try {
    const tls = await openTls(values, lifetime);
    if (tls) await writeTlsOfMosquitto(values, tls);
    return tls !== undefined;
  } finally {
    await lifetime.stop();
  }
}
