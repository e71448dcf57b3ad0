import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { isLoopbackHost } from "#shared/address";
import { systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { Lifetime } from "#shared/lifetime";
import { generateSecret } from "#shared/password";
import { forShell, quoted } from "#shared/printable";
import { seatsOf, type Role } from "#shared/principal";
import { secretFrom } from "#shared/secret-input";
import type { Settings } from "#shared/settings";
import { Topics } from "#shared/topics";
import { brokersPort, localSecret, readSecret, removeSecret, writeSecret } from "../../console/accounts/secrets.ts";
import type { Accounts, Rights } from "../../console/accounts/accounts.ts";
import type { AuditEvent } from "../../console/audit/entry.ts";
import { noteRemoval } from "../../console/devices/removals.ts";
import type { State } from "../../console/state/state.ts";
import { operatorTable } from "./list-operators.ts";
import { writeTlsOfMosquitto, type MosquittoFiles } from "./keep-mosquitto.ts";
import { bundlePath } from "../../tls/paths.ts";
import { openTls } from "./tls.ts";
import { confirm } from "../../cli/confirm.ts";

/** What the commands about accounts act on. */
export interface Administration {
  readonly values: Settings;
  readonly state: State;
  /**
   * Writes an external Mosquitto's password and access files, and has it read them.
   * @returns their directory; and what is left to be done by hand, where it could not be told
   */
  /** @param asked whether somebody wants to hear of Mosquitto, also where nothing says that it is the broker */
  readonly writeMosquittoFiles: (asked?: boolean) => Promise<MosquittoFiles>;
  readonly out: (text: string) => void;
}

/** Makes a person's account or changes it: a password that nobody spoke of stays where a role was given. @returns what to print */
function admit(
  accounts: Accounts,
  name: string,
  { role: given, groups }: { readonly role: PersonsRole | undefined } & Pick<Rights, "groups">,
  password: string | undefined,
): string {
  const present = accounts.find(name);
  const before = present?.role;
  const role = given ?? (isPersonsRole(before) ? before : "operator");
  const rights = (): string => {
    const limit = accounts.find(name)?.groups;
    return limit ? `${role}, of the groups ${limit.join(", ")}` : role;
  };
  if ((given !== undefined || groups !== undefined) && password === undefined && before !== undefined) {
    if (before !== role || groups !== undefined) accounts.setRights(name, { role, groups });
    return `${name} (${rights()}), the password stays`;
  }
  const made = accounts.set(name, role, password, groups);
  const shown = password === undefined ? `, password ${made} (shown this once)` : "";
  const ended = before === undefined ? "" : "; the old password is void now, and what was open with it has ended";
  return `${name} (${rights()})${shown}${ended}`;
}

/** The same, written down before it is done. */
function admitted(
  state: State,
  name: string,
  rights: Parameters<typeof admit>[2],
  password: string | undefined,
): Promise<string> {
  const { accounts, audit } = state;
  const what = accounts.find(name) ? "account.changed" : "account.added";
  const detail = {
    role: rights.role,
    groups: rights.groups ?? undefined,
    unlimited: rights.groups === null || undefined,
  };
  return audit.around({ ...cliUser(), what, on: name, detail }, () => admit(accounts, name, rights, password));
}

function assertPerson(accounts: Accounts, name: string): void {
  const role = accounts.find(name)?.role;
  if (role === undefined)
    throw new BadInputError(`there is no account "${name}" yet: make it with --role viewer, operator or admin`);
  if (!isPersonsRole(role)) throw new BadInputError(`"${name}" is a ${role}'s, whose one secret is for MQTT already`);
}

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

/** Who works on the data directory itself, for the audit log. */
export const cliUser = (): Pick<AuditEvent, "who" | "from"> => ({ who: userName(), from: "cli" });

/** Who runs this program; a container need not have a name for it. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return "somebody";
  }
}

export interface OperatorFlags {
  readonly role?: string;
  /** The groups of devices that it is limited to; `false` for no limit. */
  readonly group?: readonly string[] | false;
  /** The password, `-`, or nothing after the flag. */
  readonly password?: string | true;
  readonly passwordFile?: string;
  /** A secret for MQTT: made, taken away, or left as it is. */
  readonly mqtt?: boolean;
  /** False: the second factor is taken away. */
  readonly secondFactor?: boolean;
  /** Takes the account away; with `yes` without a question. */
  readonly remove?: boolean;
  readonly yes?: boolean;
}

/** What is no name, but asks for all. */
const listWord = "list";

/** Gives a person or program an account, or lists all. @throws BadInputError for a role or name that does not fit */
export async function addOperator(administration: Administration, name: string, flags: OperatorFlags): Promise<void> {
  const { state, writeMosquittoFiles, out } = administration;
  if (name === listWord) return out(operatorTable(state, systemClock.now()));
  const { mqtt, role, group, secondFactor = true } = flags;
  const groups = group === false ? null : group;
  if (flags.remove) return removePerson(administration, name, flags);
  if (role !== undefined && !isPersonsRole(role))
    throw new BadInputError(`--role is "${role}": expected viewer, operator or admin`);
  const password = await secretFrom({ flag: "--password", value: flags.password, file: flags.passwordFile });
  if (!secondFactor) out(withoutSecondFactor(state, name));
  const isAll = mqtt === undefined && secondFactor;
  if (isAll || role !== undefined || groups !== undefined || password !== undefined)
    out(await admitted(state, name, { role, groups }, password));
  else assertPerson(state.accounts, name);
  const empty = (group || []).filter((one) => state.groups.members(one).length === 0);
  if (empty.length > 0) out(`no device is in ${empty.join(", ")} yet: muster group DEVICE ${empty[0]} puts one in`);
  if (mqtt !== undefined)
    state.audit.demand({ ...cliUser(), what: mqtt ? "mqtt-secret.made" : "mqtt-secret.ended", on: name });
  if (mqtt === true) out(mqttSecretOf(state, name));
  if (mqtt === false) out(`${name} ${state.mqttSecrets.revoke(name) ? "has no secret for MQTT any more" : "had none"}`);
  await writeMosquittoFiles();
}

function withoutSecondFactor({ accounts, audit }: State, name: string): string {
  audit.demand({ ...cliUser(), what: "second-factor.removed", on: name });
  return `${name} ${accounts.factors.reset(name) ? "has no second factor any more" : "had no second factor"}`;
}

/** Takes a person's or program's account away. @throws BadInputError for one that is not there, is the last administrator, or a device */
async function removePerson(
  { state, writeMosquittoFiles, out }: Administration,
  name: string,
  { yes, role, group, mqtt, password, passwordFile }: OperatorFlags,
): Promise<void> {
  const { accounts } = state;
  const other = { role, group, mqtt, password, passwordFile };
  if (Object.values(other).some((one) => one !== undefined))
    throw new BadInputError("--remove takes the account away: expected no other option but --yes");
  const present = accounts.find(name)?.role;
  if (present === undefined) throw new BadInputError(`there is no account ${quoted(name)}`);
  if (present === "device") throw new BadInputError(`"${name}" is a device: expected muster device ${name} --remove`);
  if (present === "console")
    throw new BadInputError(`"${name}" is the console's own account, which every start would make again`);
  if (accounts.isLastAdmin(name)) accounts.remove(name);
  await confirm(`Remove ${name} (${present}), and end what is open with that account?`, yes);
  await state.audit.around({ ...cliUser(), what: "account.removed", on: name }, () => accounts.remove(name));
  await accounts.synced();
  out(`${name} (${present}) is removed, and what was open with that account has ended`);
  const { byHand } = await writeMosquittoFiles();
  if (byHand !== undefined) out(byHand);
}

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
  const { directory } = await writeMosquittoFiles(true);
  const settings = shippedSettings();
  const isTls = await writeMosquittoTls(values);
  const isOwn = directory !== shipped.directory || isTls;
  const own = isOwn ? join(directory, shipped.settings) : settings;
  out(`wrote ${directory}/passwd and ${directory}/acl${isTls ? ", and for TLS server.pem, ca.crt and tls.conf" : ""}`);
  if (isOwn) {
    const behind = isTls ? ` ${forShell(join(directory, "tls.conf"))}` : "";
    out(
      `first the settings with this directory in them: sed ${forShell(`s#${shipped.directory}#${directory}#`)} ${forShell(settings)}${behind} > ${forShell(own)}`,
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

/** A new secret for MQTT, and where it is good for what. */
function mqttSecretOf({ mqttSecrets }: State, name: string): string {
  return `${name}, secret for MQTT ${mqttSecrets.issue(name)} (shown this once): at Mosquitto for the names ${seatsOf(name).join(", ")}, which have one connection each`;
}

/** Where the first administrator's password is kept until somebody has been shown it: a start that ends before has told nobody. */
const unshown = "admin@unshown";

/** For the audit log: what a start does by itself. */
const atStart = { who: "console", from: "cli" } as const;

/** Makes sure that there is an administrator. @returns his password where it was made and nobody has been shown it; undefined otherwise */
export async function admitAdmin(
  { directory, accounts, audit }: State,
  given: string | undefined,
): Promise<string | undefined> {
  if (given !== undefined) {
    if (!(await accounts.verify("admin", given))) {
      audit.note({
        ...atStart,
        what: "account.changed",
        on: "admin",
        detail: { role: "admin", password: "from the settings" },
      });
      accounts.set("admin", "admin", given);
    }
    removeSecret(directory, unshown);
    return undefined;
  }
  const kept = readSecret(directory, unshown);
  // One that was removed stays so, as long as there is another administrator.
  if (accounts.mainAdmin() !== undefined) {
    if (kept === undefined || (await accounts.verify("admin", kept))) return kept;
    // Another has been set since.
    removeSecret(directory, unshown);
    return undefined;
  }
  const password = generateSecret();
  // Before the account is: a kill between the two leaves a password too many, never one too few.
  writeSecret(directory, unshown, password);
  audit.note({ ...atStart, what: "account.added", on: "admin", detail: { role: "admin" } });
  accounts.set("admin", "admin", password);
  // The file is removed once somebody was shown the password: by then the account must outlive a power cut.
  await accounts.synced();
  return password;
}

/** The administrator's password as {@link admitAdmin} returned it stands on the terminal, and nowhere else from now on. */
export function adminWasShown({ directory }: State): void {
  removeSecret(directory, unshown);
}

export function shownOnce(password: string): string {
  return `operator admin, password ${password} (shown this once)`;
}

type PersonsRole = Extract<Role, "viewer" | "operator" | "admin">;

function isPersonsRole(role: string | undefined): role is PersonsRole {
  return role === "viewer" || role === "operator" || role === "admin";
}
