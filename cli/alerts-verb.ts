import type { AlertDocument, Client, MaintenanceDocument } from "#api/client";
import { formatDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { forTerminal, quoted } from "#shared/printable";
import { rulesIn, rulesText } from "./rules-text.ts";
import { asJson, table } from "./text-table.ts";

export interface AlertFlags {
  readonly json?: boolean;
  readonly over?: boolean;
  readonly device?: string;
  readonly rule?: string;
  readonly where?: string;
  readonly for?: string;
  readonly from?: string;
  readonly until?: string;
  readonly cron?: string;
  readonly zone?: string;
  readonly note?: string;
  readonly prune?: boolean;
  readonly own?: boolean;
}

export interface AlertsAsked {
  readonly client: Client;
  readonly words: readonly string[];
  readonly flags: AlertFlags;
  /** Epoch ms. */
  readonly now: number;
  /** What stands in a file; standard input where it is `-`. @throws BadInputError */
  readonly read: (path: string) => Promise<string>;
}

const actions = {
  list: listAlerts,
  show: showAlert,
  ack: acknowledge,
  silence,
  rules: listRules,
  export: exportRules,
  apply: applyRules,
  remove: removeRule,
  test: tryRule,
  maintenance,
} as const;

/** `muster alerts`: what fires, the rules, and when nobody is told. @returns what to print */
export async function alertsVerb(asked: AlertsAsked): Promise<string> {
  const [action = "list", ...words] = asked.words;
  if (!Object.hasOwn(actions, action))
    throw new BadInputError(`alerts ${quoted(action)} is not known: expected ${Object.keys(actions).join(", ")}`);
  return actions[action as keyof typeof actions]({ ...asked, words });
}

async function listAlerts({ client, flags, now }: AlertsAsked): Promise<string> {
  const { device, rule, over } = flags;
  const query = { ...(device === undefined ? {} : { device }), ...(rule === undefined ? {} : { rule }) };
  const { alerts, pending, warnings } = await client.listAlerts({ ...query, state: over ? "over" : "open" });
  if (flags.json) return asJson(alerts);
  const fires = alerts.length === 0 ? (over ? "no alert is over" : "nothing fires") : alertTable(alerts, now);
  return [fires, ...pendingText(pending), ...warningText(warnings)].join("\n\n");
}

/** Pending alerts that are named, and how many more there are. */
const maxNamed = 5;

function pendingText(pending: Awaited<ReturnType<Client["listAlerts"]>>["pending"]): readonly string[] {
  if (pending.length === 0) return [];
  const named = pending
    .slice(0, maxNamed)
    .map(({ rule, device, series }) =>
      [
        rule,
        ...(device === null ? [] : [`on ${forTerminal(device, 30)}`]),
        ...(series === "" ? [] : [`(${forTerminal(series, 40)})`]),
      ].join(" "),
    );
  const others = pending.length - named.length;
  const last = others > 0 ? [`and ${others} others`] : [];
  return [`${pending.length} more ${pending.length === 1 ? "is" : "are"} pending: ${[...named, ...last].join(", ")}`];
}

function warningText(warnings: readonly string[] = []): readonly string[] {
  return warnings.length === 0 ? [] : [warnings.map((one) => `warning: ${forTerminal(one)}`).join("\n")];
}

function alertTable(alerts: readonly AlertDocument[], now: number): string {
  const rows = alerts.map(({ id, severity, state, rule, device, series, fired, resolved, text, acknowledged }) => [
    id,
    severity,
    acknowledged && resolved === null ? `${state} by ${forTerminal(acknowledged.by, 20)}` : state,
    rule,
    forTerminal(device ?? "–", 30),
    forTerminal(series, 40),
    resolved === null ? formatDuration(Math.max(0, now - fired)) : formatDuration(Math.max(0, resolved - fired)),
    forTerminal(text, 80),
  ]);
  return table(["ID", "SEVERITY", "STATE", "RULE", "DEVICE", "SERIES", "FOR", ""], rows);
}

async function showAlert({ client, words, flags }: AlertsAsked): Promise<string> {
  const alert = await client.getAlert(oneId(words, "show"));
  if (flags.json) return asJson(alert);
  const { title, text, rule, severity, state, since, fired, resolved, why, acknowledged, history } = alert;
  const events = history.map(({ ts, what, by, text: more }) => [
    moment(ts),
    by === undefined ? what : `${what} by ${forTerminal(by, 30)}`,
    forTerminal(more ?? "", 100),
  ]);
  return [
    forTerminal(title),
    `  ${forTerminal(text)}`,
    `  ${rule}, ${severity}, ${stateText(state, acknowledged)}`,
    `  since ${moment(since)}, fired ${moment(fired)}${resolved === null ? "" : `, over ${moment(resolved)}${why === null ? "" : `: ${forTerminal(why)}`}`}`,
    "",
    table(["WHEN", "WHAT", ""], events),
  ].join("\n");
}

/** What somebody has done is told of him, and not the end that came by itself. */
function stateText(state: AlertDocument["state"], acknowledged: AlertDocument["acknowledged"]): string {
  if (!acknowledged) return state;
  const seen = `acknowledged by ${forTerminal(acknowledged.by)}`;
  return state === "acknowledged" ? seen : `${state} (${seen})`;
}

async function acknowledge({ client, words, flags }: AlertsAsked): Promise<string> {
  const { title } = await client.acknowledgeAlert(oneId(words, "ack"), noteOf(flags));
  return `acknowledged: ${forTerminal(title)}`;
}

/** Of one alert by its id, or of a rule, or of devices. */
async function silence({ client, words, flags }: AlertsAsked): Promise<string> {
  const { for: lasts = "1h", where, rule } = flags;
  const [id] = words;
  if (id !== undefined && where === undefined && rule === undefined) {
    const { title } = await client.silenceAlert(oneId(words, "silence"), { for: lasts, ...noteOf(flags) });
    return `silenced for ${lasts}: ${forTerminal(title)}`;
  }
  if (where === undefined && rule === undefined)
    throw new BadInputError("say what: an alert's id, --rule RULE or --where CONDITIONS");
  const made = await client.addMaintenance({ ...meant(flags), for: lasts, ...noteOf(flags) });
  return `silenced until ${moment(made.until ?? 0)} (${made.id})`;
}

async function listRules({ client, flags }: AlertsAsked): Promise<string> {
  const { rules } = await client.listAlertRules();
  if (flags.json) return asJson(rules);
  const rows = rules.map(({ rule, shipped, by, firing }) => [
    rule.name,
    rule.enabled ? rule.severity : "off",
    String(firing),
    forTerminal(rule.when, 80),
    forTerminal(rule.where ?? "", 40),
    shipped ? "shipped" : forTerminal(by ?? "", 20),
  ]);
  const found = rules.flatMap(({ warnings }) => warnings ?? []);
  return [table(["RULE", "SEVERITY", "FIRING", "WHEN", "WHERE", "BY"], rows), ...warningText(found)].join("\n\n");
}

async function exportRules({ client, flags }: AlertsAsked): Promise<string> {
  const { rules } = await client.listAlertRules();
  const chosen = flags.own ? rules.filter(({ shipped }) => !shipped) : rules;
  return flags.json ? asJson(chosen.map(({ rule }) => rule)) : (await rulesText(chosen)).trimEnd();
}

async function applyRules({ client, words, flags, read }: AlertsAsked): Promise<string> {
  const [path, ...more] = words;
  if (path === undefined || more.length > 0)
    throw new BadInputError(
      "alerts apply needs one file with rules, or - for standard input; muster alerts export writes one",
    );
  const sent = await rulesIn(await read(path));
  const { rules, warnings } = await client.applyAlertRules({ rules: sent, prune: flags.prune ?? false });
  const done = `${sent.length === 1 ? "1 rule is" : `${sent.length} rules are`} applied; there are ${rules.length}`;
  return [done, ...warningText(warnings)].join("\n");
}

async function removeRule({ client, words }: AlertsAsked): Promise<string> {
  const name = oneId(words, "remove");
  await client.removeAlertRule(name);
  return `${forTerminal(name)} is removed`;
}

/** What a rule would have told of the last week: one that there is, or of a file. */
async function tryRule({ client, words, flags, read }: AlertsAsked): Promise<string> {
  const { device, from = "-7d" } = flags;
  const [name, ...more] = words;
  if (name === undefined || device === undefined || more.length > 0)
    throw new BadInputError(
      "expected a rule's name or a file with one, and a device: muster alerts test HostOutOfMemory --device rpi-7",
    );
  const { rules } = await client.listAlertRules();
  const known = rules.find(({ rule }) => rule.name === name)?.rule;
  const [rule] = known ? [known] : await rulesIn(await read(name));
  if (!rule) throw new BadInputError(`there is no rule in ${quoted(name)}`);
  const found = await client.previewAlertRule({ rule, device, from });
  if (flags.json) return asJson(found);
  const rows = found.series.flatMap(({ series, episodes }) =>
    episodes.map(({ since, fired, resolved, value }) => [
      forTerminal(series === "" ? "–" : series, 40),
      moment(since),
      moment(fired),
      resolved === null ? "still" : moment(resolved),
      forTerminal(String(value ?? ""), 20),
    ]),
  );
  const by = found.every === 0 ? "by each sample" : `mean over ${formatDuration(found.every)}`;
  if (rows.length === 0) return `${rule.name} would not have fired on ${device} (${by})`;
  return `${table(["SERIES", "SINCE", "FIRED", "OVER", "VALUE"], rows)}\n\n${by}`;
}

async function maintenance(asked: AlertsAsked): Promise<string> {
  const { client, words, flags } = asked;
  const [action = "list", ...rest] = words;
  if (action === "list") {
    const { maintenance: all } = await client.listMaintenance();
    return flags.json ? asJson(all) : maintenanceTable(all);
  }
  if (action === "remove") {
    await client.removeMaintenance(oneId(rest, "maintenance remove"));
    return "it is over";
  }
  if (action !== "add")
    throw new BadInputError(`alerts maintenance ${quoted(action)} is not known: expected list, add, remove`);
  const { from, until, for: lasts, cron, zone = Intl.DateTimeFormat().resolvedOptions().timeZone } = flags;
  const made = await client.addMaintenance({
    ...meant(flags),
    ...noteOf(flags),
    ...(from === undefined ? {} : { from }),
    ...(until === undefined ? {} : { until }),
    ...(lasts === undefined ? {} : { for: lasts }),
    ...(cron === undefined ? {} : { cron, zone }),
  });
  return maintenanceTable([made]);
}

function maintenanceTable(all: readonly MaintenanceDocument[]): string {
  if (all.length === 0) return "no silence and no maintenance window";
  const rows = all.map(({ id, rule, where, device, from, until, cron, zone, lasts, note, by, active }) => [
    id,
    active ? "now" : "–",
    forTerminal(rule ?? "all", 40),
    forTerminal(device ?? where ?? "all", 40),
    cron === null ? moment(from) : `${forTerminal(cron)} (${zone}) for ${formatDuration(lasts)}`,
    until === null ? "–" : moment(until),
    forTerminal(by, 20),
    forTerminal(note, 60),
  ]);
  return table(["ID", "AT WORK", "RULE", "DEVICES", "FROM", "UNTIL", "BY", ""], rows);
}

const noteOf = ({ note }: AlertFlags): { readonly note?: string } => (note === undefined ? {} : { note });

const meant = ({ rule, where, device }: AlertFlags) => ({
  ...(rule === undefined ? {} : { rule }),
  ...(where === undefined ? {} : { where }),
  ...(device === undefined ? {} : { device }),
});

function oneId([id, ...more]: readonly string[], action: string): string {
  if (id !== undefined && more.length === 0) return id;
  throw new BadInputError(`alerts ${action} needs one name; muster alerts lists them`);
}

const moment = (ts: number): string => new Date(ts).toISOString().replace(/\.\d+Z$/, "Z");
