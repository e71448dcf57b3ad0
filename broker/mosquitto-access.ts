import { BadInputError } from "#shared/errors";
import { asDeviceId } from "#shared/ids";
import { quoted } from "#shared/printable";
import { seatsOf, type Principal } from "#shared/principal";
import { Topics, type AddressKind } from "#shared/topics";
import { countsOfBroker, filtersOf, rulesOf, type Rule } from "./access.ts";

/** An account that may log in at Mosquitto: `hash` is `$7$rounds$salt$hash`, PBKDF2-SHA512. */
export interface MosquittoAccount extends MosquittoPrincipal {
  readonly hash: string;
  /** Whether it is a device with a certificate: its hash is not in the password file then. */
  readonly certified?: boolean | undefined;
}

/** Somebody with rights at Mosquitto. */
export interface MosquittoPrincipal extends Principal {
  /** Of somebody who is limited to groups, the devices that are in these at present. */
  readonly devices?: readonly string[];
}

/**
 * Devices that an account which is limited to groups can have at Mosquitto; one with more is not in the files. Each is three lines for each
 * of its names, and Mosquitto 2.0.11 goes through a user's lines at each message, and once more for each line that it reads: with 500 devices
 * a message costs it 0.04 ms instead of 0.005 and a reading 18 ms, with 2,000 0.13 ms and 0.4 s in which nobody is served, with 5,000 1.1 s.
 */
export const maxMosquittoDevices = 500;

/** Whether somebody's rights can stand in the file. */
export function isNarrow({ groups, devices }: MosquittoPrincipal): boolean {
  return groups === undefined || (devices !== undefined && devices.length <= maxMosquittoDevices);
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
 * @param shutOut devices whose certificates were revoked: whoever has begun a connection before, and says CONNECT after, gets nothing by it
 * @throws BadInputError where a name cannot stand in the file
 */
export function renderAcl(
  root: string,
  principals: readonly MosquittoPrincipal[],
  shutOut: readonly string[] = [],
): string {
  const topics = new Topics(root);
  const people = principals.filter((one) => one.role !== "device" && isNarrow(one));
  const sections = [
    deviceLines(topics),
    ...people.flatMap((principal) => sectionsOf(topics, principal)),
    ...shutOut.map((name) => [`user ${writable(name)}`, "topic deny #"]),
  ];
  return `# Written by Muster from its table of rules: changes are overwritten.\n\n${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Who is shut out by an ACL file of {@link renderAcl}. */
export function deniedIn(acl: string): readonly string[] {
  return [...acl.matchAll(/^user (\S+)\ntopic deny #$/gm)].flatMap(([, name]) => name ?? []);
}

/**
 * Mosquitto's password file. Whose hash is not {@link isCheap} is not in it, and cannot log in there.
 * @throws BadInputError where a name cannot stand in the file
 */
export function renderPasswords(accounts: readonly MosquittoAccount[]): string {
  const lines = accounts.map((account) => ({ names: loginsOf(account), account }));
  return lines
    .filter(({ account }) => !account.certified && isCheap(account) && isNarrow(account))
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
function sectionsOf(topics: Topics, principal: MosquittoPrincipal): string[][] {
  const writes = rulesOf("device").filter(({ may }) => may === "write");
  const allowed = rulesOf(principal.role).flatMap((rule) =>
    filtersFor(rule, topics, principal).map((filter) => `topic ${rule.may} ${filter}`),
  );
  // Mosquitto looks at what is denied first, wherever it stands.
  const leftOut = rulesOf(principal.role).flatMap((rule) =>
    "tree" in rule ? (rule.but ?? []).map((kind) => topics.filter(kind)) : [],
  );
  return loginsOf(principal).map((name) => {
    const own = principal.role === "console" ? [] : writes.flatMap((rule) => deviceFilters(rule, topics, name));
    return [`user ${name}`, ...[...own, ...leftOut].map((filter) => `topic deny ${filter}`), ...allowed];
  });
}

/** What a rule opens to somebody: of who is limited to groups, a filter for each device instead of one for all. */
function filtersFor(rule: Rule, topics: Topics, { name, groups, devices = [] }: MosquittoPrincipal): readonly string[] {
  if (groups === undefined) return filtersOf(rule, topics, name);
  if ("tree" in rule && rule.tree === "$SYS") return countsOfBroker;
  const known = devices.flatMap((device) => asDeviceId(device) ?? []);
  if ("kinds" in rule) return known.flatMap((device) => rule.kinds.map((kind) => topics.filter(kind, device)));
  const own = known.map((device) => [topics.root, device, "#"].join("/"));
  return [topics.filter("console"), topics.filter("stats"), ...own];
}

/** A line break or colon in a name would write lines of its own. */
function writable(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]*$/.test(name)) return name;
  throw new BadInputError(
    `${quoted(name)} cannot be a user of Mosquitto: expected letters, digits, ".", "_", "@" and "-"`,
  );
}
