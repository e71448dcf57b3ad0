import type { BrowserDocument, ChannelDocument, Client, DeliveryDocument } from "#api/client";
import { channelKindOf, channelKinds } from "#shared/channels/channel-kinds";
import { counted } from "#shared/counted";
import { BadInputError } from "#shared/errors";
import { forTerminal, quoted } from "#shared/printable";
import { ago, asJson, table } from "./text-table.ts";

export interface NotifyFlags {
  readonly off?: boolean;
  /** Of commander: false where it is `--no-default`. */
  readonly default?: boolean;
  readonly channel?: string;
  readonly state?: string;
  readonly alert?: string;
  readonly json?: boolean;
}

/** Reads a setting that is secret, or has several lines, from where the command line says: `field`, and `-` or a file. */
export type ReadSetting = (field: string, from: string, isSecret: boolean) => Promise<string>;

const actions = ["list", "kinds", "add", "set", "test", "remove", "deliveries", "browsers"] as const;
const states = ["waiting", "delivered", "failed"] as const;

/** `muster notify`: by which ways people hear of alerts. @returns what to print */
export async function notifyVerb(
  client: Client,
  [action = "list", ...words]: readonly string[],
  flags: NotifyFlags,
  { now, read }: { readonly now: number; readonly read: ReadSetting },
): Promise<string> {
  if (!actions.some((one) => one === action))
    throw new BadInputError(`notify ${quoted(action)} is not known: expected ${actions.join(", ")}`);
  if (action === "kinds") return kindsText();
  if (action === "list") {
    const { channels } = await client.listChannels();
    return flags.json ? asJson(channels) : channelTable(channels, now);
  }
  if (action === "deliveries") return deliveries(client, flags, now);
  if (action === "browsers") return browsers(client, words, flags, now);
  const [name, ...more] = words;
  if (name === undefined) throw new BadInputError(`notify ${action} needs a channel's name; muster notify lists them`);
  if (action === "add") return add(client, name, more, flags, read);
  if (action === "set") return change(client, name, more, flags, read);
  if (more.length > 0) throw new BadInputError(`notify ${action} takes one channel's name alone`);
  if (action === "test") {
    const { delivered, said, took } = await client.testChannel(name);
    if (!delivered) throw new BadInputError(`${name} did not take the test: ${said}`);
    return `${forTerminal(name)} took the test in ${took} ms: ${forTerminal(said)}`;
  }
  await client.removeChannel(name);
  return `${forTerminal(name)} is removed; what waited for it is given up`;
}

async function add(
  client: Client,
  name: string,
  [kind, ...pairs]: readonly string[],
  flags: NotifyFlags,
  read: ReadSetting,
): Promise<string> {
  if (kind === undefined || !channelKindOf(kind))
    throw new BadInputError(
      `expected a kind: muster notify add NAME ${Object.keys(channelKinds).join("|")} setting=value …; muster notify kinds lists their settings`,
    );
  const { channels } = await client.listChannels();
  if (channels.some((one) => one.name === name))
    throw new BadInputError(`there is a channel ${quoted(name)} already: muster notify set ${name} changes it`);
  const settings = await settingsFrom(kind, pairs, read);
  const order = { kind, settings, enabled: flags.off !== true, usual: flags.default !== false };
  return told(await client.setChannel(name, order));
}

/** What is not named stays as it is. */
async function change(
  client: Client,
  name: string,
  pairs: readonly string[],
  flags: NotifyFlags,
  read: ReadSetting,
): Promise<string> {
  const before = (await client.listChannels()).channels.find((one) => one.name === name);
  if (!before) throw new BadInputError(`there is no channel ${quoted(name)}; muster notify lists them`);
  const settings = { ...before.settings, ...(await settingsFrom(before.kind, pairs, read)) };
  const enabled = flags.off === undefined ? before.enabled : !flags.off;
  const usual = flags.default ?? before.usual;
  return told(await client.setChannel(name, { kind: before.kind, settings, enabled, usual }));
}

/** `name=value`; `name=-` for standard input and `name=@FILE` for a file, which keeps a secret off the command line; `name=` takes one away. */
async function settingsFrom(
  kind: string,
  pairs: readonly string[],
  read: ReadSetting,
): Promise<Record<string, string | null>> {
  const settings: Record<string, string | null> = {};
  for (const pair of pairs) {
    const at = pair.indexOf("=");
    if (at < 1) throw new BadInputError(`${quoted(pair)} is no setting: expected name=value`);
    const [field, value] = [pair.slice(0, at), pair.slice(at + 1)];
    const known = channelKindOf(kind)?.fields[field];
    if (value === "-" || value.startsWith("@")) settings[field] = await read(field, value, known?.type !== "block");
    else if (value === "") settings[field] = known?.secret ? null : "";
    else if (known?.secret)
      throw new BadInputError(
        `${field} is secret, and everybody on this machine can read the command line: ${field}=- reads it from standard input, ${field}=@FILE from a file`,
      );
    else settings[field] = value;
  }
  return settings;
}

function told({ name, kind, enabled, usual }: ChannelDocument): string {
  const whose = usual ? "for every alert whose rule names no channel" : "for the rules that name it";
  return `${forTerminal(name)} (${kind}) is ${enabled ? `on, ${whose}` : "off"}; muster notify test ${forTerminal(name)} tries it`;
}

async function deliveries(client: Client, flags: NotifyFlags, now: number): Promise<string> {
  const state = states.find((one) => one === flags.state);
  if (flags.state !== undefined && state === undefined)
    throw new BadInputError(`--state is ${quoted(flags.state)}: expected ${states.join(", ")}`);
  const { deliveries } = await client.listDeliveries({
    ...(flags.channel === undefined ? {} : { channel: flags.channel }),
    ...(state === undefined ? {} : { state }),
    ...(flags.alert === undefined ? {} : { alert: flags.alert }),
  });
  if (flags.json) return asJson(deliveries);
  if (deliveries.length === 0) return "no notices yet";
  const rows = deliveries.map(({ channel, browser, state, tries, said, ended, notice }: DeliveryDocument) => [
    new Date(notice.at).toISOString().slice(0, 19),
    notice.kind,
    forTerminal(notice.title, 60),
    browser ? `${forTerminal(browser.name)} of ${forTerminal(browser.account)}` : channel,
    state,
    String(tries),
    ago(ended, now),
    said ?? "–",
  ]);
  return table(["AT", "KIND", "ALERT", "CHANNEL", "STATE", "TRIES", "ENDED", "SAID"], rows);
}

/** Those of whoever asks: they are switched on at the page. */
async function browsers(
  client: Client,
  [act = "list", id, ...more]: readonly string[],
  flags: NotifyFlags,
  now: number,
): Promise<string> {
  if (act === "list") {
    const { browsers } = await client.listBrowsers();
    return flags.json ? asJson(browsers) : browserTable(browsers, now);
  }
  if (!["test", "remove"].includes(act) || id === undefined || more.length > 0)
    throw new BadInputError(
      "expected notify browsers, notify browsers test ID or notify browsers remove ID; a browser is added at its page, on Notifications",
    );
  if (act === "test") {
    const { delivered, said, took } = await client.testBrowser(id);
    if (!delivered) throw new BadInputError(`the browser's push service did not take the test: ${said}`);
    return `its push service took the test in ${took} ms: ${forTerminal(said)}`;
  }
  await client.removeBrowser(id);
  return `the browser is told no more; what waited for it is given up`;
}

function browserTable(browsers: readonly BrowserDocument[], now: number): string {
  if (browsers.length === 0)
    return "none of your browsers is told of alerts: switch it on there, on the page Notifications";
  const rows = browsers.map(({ id, name, ts, gone, waiting, failed, last }) => [
    id,
    forTerminal(name),
    ago(ts, now),
    gone === null ? "on" : `gone ${ago(gone, now)}`,
    String(waiting),
    String(failed),
    last ? `${last.state} ${ago(last.ts, now)}` : "–",
  ]);
  return table(["ID", "NAME", "SINCE", "STATE", "WAITING", "FAILED", "LAST"], rows);
}

function channelTable(channels: readonly ChannelDocument[], now: number): string {
  if (channels.length === 0)
    return "no channels yet: make one with muster notify add ops ntfy topic=- (muster notify kinds lists all kinds)";
  const rows = channels.map(({ name, kind, enabled, usual, waiting, failed, last, settings, secrets }) => [
    name,
    kind,
    enabled ? (usual ? "default" : "on") : "off",
    String(waiting),
    String(failed),
    last ? `${last.state} ${ago(last.ts, now)}` : "–",
    [...Object.entries(settings), ...Object.entries(secrets)]
      .map(([field, value]) => `${field}=${value.split("\n", 1)[0] ?? ""}`)
      .join(" "),
  ]);
  return table(["NAME", "KIND", "STATE", "WAITING", "FAILED", "LAST", "SETTINGS"], rows);
}

function kindsText(): string {
  const kinds = Object.keys(channelKinds).flatMap((kind) => {
    const known = channelKindOf(kind);
    const fields = Object.entries(known?.fields ?? {}).map(([name, field]) => {
      const marks = [field.needed ? "needed" : "", field.secret ? "secret" : ""].filter(Boolean).join(", ");
      const what = [field.title, field.choices?.join("|"), field.default && `default ${field.default}`, field.help];
      return `  ${name}${marks ? ` (${marks})` : ""}: ${what.filter(Boolean).join("; ")}`;
    });
    return [`${kind}: ${known?.title ?? ""}`, ...fields];
  });
  return [...kinds, "", `${counted(Object.keys(channelKinds).length, "kind")}; docs/notifications.md tells more`].join(
    "\n",
  );
}
