import { BadInputError } from "#shared/errors";
import { certificatesIn } from "#shared/pinned-ca";
import { quoted } from "#shared/printable";
import {
  channelKindOf,
  channelKinds,
  maxChannelText,
  maxRecipients,
  type ChannelField,
} from "#shared/channels/channel-kinds";

/** A channel's settings by their fields, as text. */
export type ChannelSettings = Readonly<Record<string, string>>;

/** What a channel may be called: it stands in rules and on command lines. */
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** @throws BadInputError naming the rule */
export function checkChannelName(name: string): void {
  if (namePattern.test(name)) return;
  throw new BadInputError(
    `channel ${quoted(name)} is not valid: expected 1 to 63 letters, digits, ".", "_" and "-", beginning with a letter or digit`,
  );
}

function fieldsOf(kind: string): Readonly<Record<string, ChannelField>> {
  const known = channelKindOf(kind);
  if (known) return known.fields;
  throw new BadInputError(
    `${quoted(kind)} is no kind of channel: expected one of ${Object.keys(channelKinds).join(", ")}`,
  );
}

/**
 * The settings of a channel after somebody has said them: as they were said, but that a secret which is left out stays as it was.
 * Where the address changes, it does not: whoever may set a channel could have secrets sent to a place of his own otherwise.
 * @param before of the channel of that name and kind, where there is one
 * @param said by field; null takes a secret away
 * @throws BadInputError naming the field
 */
export function changedSettings(
  kind: string,
  said: Readonly<Record<string, string | null>>,
  before?: ChannelSettings,
): ChannelSettings {
  const fields = fieldsOf(kind);
  const unknown = Object.keys(said).find((name) => !Object.hasOwn(fields, name));
  if (unknown !== undefined)
    throw new BadInputError(
      `${quoted(unknown)} is no setting of ${kind}: expected ${Object.keys(fields).join(", ") || "none"}`,
    );
  const kept = Object.entries(fields).flatMap(([name, field]) => {
    const value = said[name] === undefined && field.secret ? before?.[name] : said[name]?.trim();
    return value === undefined || value === "" ? [] : [[name, value] as const];
  });
  const settings = Object.fromEntries(kept);
  for (const [name, field] of Object.entries(fields)) assertField(name, field, settings[name]);
  if (before) assertSecretsGoNowhereElse(fields, said, before, settings);
  return settings;
}

function assertField(name: string, field: ChannelField, value: string | undefined): void {
  if (value === undefined) {
    if (field.needed) throw new BadInputError(`${name} is missing: ${field.help ?? field.title}`);
    return;
  }
  const why = faultOf(field, value);
  if (why !== undefined)
    throw new BadInputError(`${name} is ${field.secret ? "not usable" : quoted(value)}: expected ${why}`);
}

function faultOf(
  { type = "text", choices, most = maxChannelText, addresses: isAddresses }: ChannelField,
  value: string,
): string | undefined {
  if (value.length > most) return `${most} characters at most`;
  if (choices && !choices.includes(value)) return choices.join(", ");
  if (type === "port")
    return /^\d{1,5}$/.test(value) && Number(value) > 0 && Number(value) < 65_536 ? undefined : "a port";
  if (type === "url") return urlFault(value);
  if (type === "block" && value.includes("-----BEGIN")) return authoritiesFault(value);
  if (isAddresses) return addressesFault(value);
  // A line break in a header's value would begin another header.
  if (type !== "block" && /[\p{Cc}\p{Zl}\p{Zp}]/u.test(value)) return "one line, without control characters";
  return undefined;
}

function authoritiesFault(pem: string): string | undefined {
  try {
    if (certificatesIn(pem).length > 0) return undefined;
  } catch {
    // One that does not read is none.
  }
  return "certificates as PEM, with a line -----BEGIN CERTIFICATE-----";
}

/** Addresses of mail, one or several: nothing that would be a header, or somebody else. */
function addressesFault(value: string): string | undefined {
  const all = value.split(",").map((one) => one.trim());
  const wrong = all.find((one) => !/^(?:[^\p{Cc}<>@,;"]*<)?[^\s<>@,;"\p{Cc}]+@[A-Za-z0-9.-]+>?$/u.test(one));
  if (wrong !== undefined) return `one line with addresses: ${quoted(wrong)} is none`;
  return all.length > maxRecipients ? `${maxRecipients} addresses at most` : undefined;
}

function urlFault(value: string): string | undefined {
  if (!URL.canParse(value)) return "an address: https://example.com/hook";
  const { protocol, username, password } = new URL(value);
  if (protocol !== "https:" && protocol !== "http:") return "an address that begins with https:// or http://";
  return username || password ? "an address without name and password" : undefined;
}

function assertSecretsGoNowhereElse(
  fields: Readonly<Record<string, ChannelField>>,
  said: Readonly<Record<string, string | null>>,
  before: ChannelSettings,
  after: ChannelSettings,
): void {
  const names = Object.keys(fields);
  const moved = names.find(
    (name) => fields[name]?.where && valueOf(fields, before, name) !== valueOf(fields, after, name),
  );
  if (moved === undefined) return;
  const kept = names.find((name) => fields[name]?.secret && said[name] === undefined && before[name] !== undefined);
  if (kept !== undefined)
    throw new BadInputError(
      `${moved} is another one now: expected ${kept} with it, so that no secret goes where it was not given for (null takes it away)`,
    );
}

function valueOf(fields: Readonly<Record<string, ChannelField>>, settings: ChannelSettings, name: string): string {
  return settings[name] ?? fields[name]?.default ?? "";
}

/** Reads a setting; its default, or nothing, where it was not said. */
export function settingReader(kind: string, settings: ChannelSettings): (name: string) => string {
  const fields = fieldsOf(kind);
  return (name) => valueOf(fields, settings, name);
}

/** What may be told of a channel's settings: all but its secrets; and of these, which there are, with an address's host. */
export function shownSettings(
  kind: string,
  settings: ChannelSettings,
): { readonly settings: ChannelSettings; readonly secrets: Readonly<Record<string, string>> } {
  const told: Record<string, string> = {};
  const secrets: Record<string, string> = {};
  for (const [name, value] of Object.entries(settings)) {
    const field = channelKindOf(kind)?.fields[name];
    // Of a kind that this version does not know nobody can tell what is secret.
    if (field && !field.secret) told[name] = value;
    else secrets[name] = field?.type === "url" && URL.canParse(value) ? `set (${new URL(value).host})` : "set";
  }
  return { settings: told, secrets };
}
