import { systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { seatsOf, type Role } from "#shared/principal";
import { secretFrom } from "#shared/secret-input";
import type { Accounts, Rights } from "../../console/accounts/accounts.ts";
import type { State } from "../../console/state/state.ts";
import { operatorTable } from "./list-operators.ts";
import { confirm } from "#shared/confirm";
import { cliUser, type Administration } from "./administration.ts";

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

/** A new secret for MQTT, and where it is good for what. */
export function mqttSecretOf({ mqttSecrets }: State, name: string): string {
  return `${name}, secret for MQTT ${mqttSecrets.issue(name)} (shown this once): at Mosquitto for the names ${seatsOf(name).join(", ")}, which have one connection each`;
}

type PersonsRole = Extract<Role, "viewer" | "operator" | "admin">;

function isPersonsRole(role: string | undefined): role is PersonsRole {
  return role === "viewer" || role === "operator" || role === "admin";
}
