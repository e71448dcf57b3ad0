import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/ids";
import type { Principal } from "#shared/principal";
import { Topics } from "#shared/topics";
import { filtersOf, rules, rulesOf } from "./access.ts";

/** An account as Mosquitto's password file has it: `hash` is `$7$rounds$salt$hash`, PBKDF2-SHA512. */
export interface MosquittoAccount {
  readonly name: string;
  readonly hash: string;
}

/**
 * The access rules as Mosquitto's ACL file. Devices are covered by `pattern` lines, so that a new one needs no change
 * here; everybody else has a section of their own.
 * @throws BadInputError where a name cannot stand in the file
 */
export function renderAcl(root: string, principals: readonly Principal[]): string {
  const topics = new Topics(root);
  const people = principals.filter(({ role }) => role !== "device");
  const sections = [deviceLines(topics), ...people.map((principal) => personLines(topics, principal))];
  return `# Written by Muster from its table of rules: changes are overwritten.\n\n${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Mosquitto's password file. @throws BadInputError where a name cannot stand in the file */
export function renderPasswords(accounts: readonly MosquittoAccount[]): string {
  return accounts.map(({ name, hash }) => `${writable(name)}:${hash}\n`).join("");
}

function deviceLines(topics: Topics): string[] {
  return rulesOf("device").flatMap((rule) => {
    if ("tree" in rule) return filtersOf(rule, topics, "").map((filter) => `pattern ${rule.may} ${filter}`);
    // `%u` stands for the user's name. The device is the first wildcard in every filter that names one.
    const device = rule.whose === "own" ? "%u" : "+";
    return rule.kinds.map((kind) => `pattern ${rule.may} ${topics.filter(kind).replace("+", device)}`);
  });
}

/**
 * Mosquitto applies `pattern` lines to every user. A person whose name could be a device's would get that
 * device's topics by them, so these are denied first; there is no such device, because names are given once.
 */
function personLines(topics: Topics, { name, role }: Principal): string[] {
  const own = rules.filter((rule) => rule.roles.includes("device") && "whose" in rule && rule.whose === "own");
  const denied = own.filter(({ may }) => may === "write").flatMap((rule) => filtersOf(rule, topics, name));
  const allowed = rulesOf(role).flatMap((rule) =>
    filtersOf(rule, topics, name).map((filter) => `topic ${rule.may} ${filter}`),
  );
  return [
    `user ${writable(name)}`,
    ...(role === "console" ? [] : denied.map((filter) => `topic deny ${filter}`)),
    ...allowed,
  ];
}

/** A line break or colon in a name would write lines of its own. */
function writable(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._@-]*$/.test(name)) return name;
  throw new BadInputError(
    `${quoted(name)} cannot be a user of Mosquitto: expected letters, digits, ".", "_", "@" and "-"`,
  );
}
