import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { seatsOf, type Principal } from "#shared/principal";
import { Topics, type AddressKind } from "#shared/topics";
import { filtersOf, rulesOf, type Rule } from "./access.ts";

/** An account that may log in at Mosquitto: `hash` is `$7$rounds$salt$hash`, PBKDF2-SHA512. */
export interface MosquittoAccount extends Principal {
  readonly hash: string;
}

/**
 * Rounds that a hash in the password file may ask for. Mosquitto hashes in its only thread: 79 ms for the 100,000 rounds of a
 * person's password, in which nobody else is served, and anybody may make it do so with a wrong one.
 */
export const maxMosquittoRounds = 1_000;

/** Whether Mosquitto may be asked to check this hash. */
export function isCheap({ hash }: Pick<MosquittoAccount, "hash">): boolean {
  const [, kind, asked] = hash.split("$");
  return kind === "7" && Number(asked) <= maxMosquittoRounds;
}

function loginsOf({ name, role }: Principal): string[] {
  const own = writable(name);
  return role === "device" || role === "console" ? [own] : seatsOf(own);
}

/**
 * The access rules as Mosquitto's ACL file. Devices are covered by `pattern` lines; everybody else has a section of their own.
 * A section for each device was tried: for 10,000 of them Mosquitto 2.0.11 stands still for 1.2 to 1.8 s at each reading of
 * the file, because it searches the list of users for every line; with patterns for 20 ms. A message costs the same.
 * @throws BadInputError where a name cannot stand in the file
 */
export function renderAcl(root: string, principals: readonly Principal[]): string {
  const topics = new Topics(root);
  const people = principals.filter(({ role }) => role !== "device");
  const sections = [deviceLines(topics), ...people.flatMap((principal) => sectionsOf(topics, principal))];
  return `# Written by Muster from its table of rules: changes are overwritten.\n\n${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/**
 * Mosquitto's password file. Whose hash is not {@link isCheap} is not in it, and cannot log in there.
 * @throws BadInputError where a name cannot stand in the file
 */
export function renderPasswords(accounts: readonly MosquittoAccount[]): string {
  const lines = accounts.map((account) => ({ names: loginsOf(account), account }));
  return lines
    .filter(({ account }) => isCheap(account))
    .flatMap(({ names, account: { hash } }) => names.map((name) => `${name}:${hash}\n`))
    .join("");
}

function deviceLines(topics: Topics): string[] {
  // `%u` stands for the user's name.
  return rulesOf("device").flatMap((rule) =>
    deviceFilters(rule, topics, "%u").map((filter) => `pattern ${rule.may} ${filter}`),
  );
}

function deviceFilters(rule: Rule, topics: Topics, own: string): readonly string[] {
  if ("tree" in rule) return filtersOf(rule, topics, "");
  // The device is the first wildcard behind the root in every filter that names one.
  return rule.kinds.map((kind) => filterOf(topics, kind, rule.whose === "own" ? own : "+"));
}

function filterOf(topics: Topics, kind: AddressKind, device: string): string {
  const behind = topics.filter(kind).slice(topics.root.length);
  return topics.root + behind.replace("+", () => device);
}

/**
 * Mosquitto applies `pattern` lines to every user, so that they would give each person the topics of a device of that name:
 * what a device may write is denied to each, whatever the name looks like. The console may write everything anyway.
 */
function sectionsOf(topics: Topics, principal: Principal): string[][] {
  const writes = rulesOf("device").filter(({ may }) => may === "write");
  const allowed = rulesOf(principal.role).flatMap((rule) =>
    filtersOf(rule, topics, principal.name).map((filter) => `topic ${rule.may} ${filter}`),
  );
  return loginsOf(principal).map((name) => {
    const denied = principal.role === "console" ? [] : writes.flatMap((rule) => deviceFilters(rule, topics, name));
    return [`user ${name}`, ...denied.map((filter) => `topic deny ${filter}`), ...allowed];
  });
}

/** A line break or colon in a name would write lines of its own. */
function writable(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]*$/.test(name)) return name;
  throw new BadInputError(
    `${quoted(name)} cannot be a user of Mosquitto: expected letters, digits, ".", "_", "@" and "-"`,
  );
}
