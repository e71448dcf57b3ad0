import * as z from "zod/mini";
import { alertRule, type AlertRule } from "#shared/alerts/alert-rule";
import { normal, type AlertState } from "#shared/alerts/alert-state";
import type { FieldValue } from "#shared/columns";
import { parseJson } from "#shared/nesting";
import { damageOf } from "../database/damage.ts";
import type { Database } from "../database/database.ts";
import { instant, moment, parserOf } from "../database/row-fields.ts";
import type { Row } from "../database/row.ts";
import type { Alert } from "./alert.ts";
import type { Mute } from "./mutes.ts";

/** Alerts that are over and kept, the newest: some weeks of a restless fleet. */
export const maxAlertsKept = 20_000;
/** Alerts kept of one device, the newest: twice as many as may fire, so that the last of each series is among them, and no flood of one device drives out those of others. */
export const maxAlertsOfDevice = 2_000;
/** Alerts that are over and let go of at once, beyond those: more than may end between two times. */
const trimmedAtOnce = 5_000;

const fieldValue = z.nullable(z.union([z.number(), z.string(), z.boolean()]));
const event = z.object({
  ts: instant,
  what: z.enum([
    "fired",
    "told",
    "reminded",
    "ran",
    "spared",
    "held",
    "folded",
    "acknowledged",
    "silenced",
    "resolved",
  ]),
  by: z.optional(z.string()),
  text: z.optional(z.string()),
});
const parseDocument = parserOf(
  z.object({
    severity: z.string(),
    why: z.nullable(z.string()),
    value: fieldValue,
    unit: z.optional(z.string()),
    title: z.string(),
    text: z.string(),
    told: z.enum(["no", "yes", "folded"]),
    parent: z.nullable(z.string()),
    acknowledged: z.nullable(z.object({ by: z.string(), ts: instant, note: z.string() })),
    channels: z.nullable(z.array(z.string())),
    labels: z.record(z.string(), z.string()),
    history: z.array(event),
  }),
);
const named = { rule: z.string(), device: z.string(), series: z.string() };
const parseAlertRow = parserOf(
  z.object({ id: z.string(), ...named, since: instant, fired: instant, resolved: moment, document: z.string() }),
);

/** @throws Error for a row that does not read */
export function parseAlert(row: Row): Alert {
  const { document, ...known } = parseAlertRow(row);
  return { ...known, ...parseDocument(parseJson(document) as Row) };
}

const parseSpan = parserOf(z.object({ since: instant, resolved: moment }));
const parseEnd = parserOf(z.object({ ...named, at: instant }));

/** Where a rule stands for a series, as it is kept: what is at rest has no row. */
export interface SlotRow {
  readonly rule: string;
  readonly device: string;
  readonly series: string;
  readonly state: AlertState;
}

const parsePlainSlot = parserOf(z.object({ ...named, since: instant, fired: moment }));
/** @throws Error for a row that does not read */
export function parseSlot(row: Row): SlotRow {
  const { since, fired, ...key } = parsePlainSlot(row);
  return { ...key, state: fired === null ? { phase: "pending", since } : { phase: "firing", since, fired } };
}

/** Samples that came late, of a series whose rule has to be looked at once more. */
export interface LateRow {
  readonly rule: string;
  readonly device: string;
  readonly series: string;
  readonly first: number;
  readonly last: number;
}
/** @throws Error for a row that does not read */
export const parseLate = parserOf(z.object({ ...named, first: instant, last: instant }));

/** The newest sample of a series, for what is reckoned from one to the next: a time and a value for each input. */
export interface PointRow {
  readonly rule: string;
  readonly device: string;
  readonly series: string;
  readonly points: readonly (readonly [at: number, value: FieldValue])[];
}
const parsePointRow = parserOf(z.object({ ...named, document: z.string() }));
const parsePoints = parserOf(z.object({ points: z.array(z.tuple([instant, fieldValue])) }));
/** @throws Error for a row that does not read */
export function parsePoint(row: Row): PointRow {
  const { document, ...key } = parsePointRow(row);
  return { ...key, ...parsePoints({ points: parseJson(document) }) };
}

const parseRuleRow = parserOf(z.object({ name: z.string(), document: z.string(), by: z.string(), ts: instant }));
const parseRuleDocument = parserOf(alertRule);
export interface KeptRule {
  readonly rule: AlertRule;
  readonly by: string;
  readonly ts: number;
}
/** @throws Error for a row that does not read */
export function parseAlertRule(row: Row): KeptRule {
  const { document, by, ts } = parseRuleRow(row);
  return { rule: parseRuleDocument(parseJson(document) as Row), by, ts };
}

const parseMuteRow = parserOf(z.object({ id: z.string(), document: z.string() }));
const parseMuteDocument = parserOf(
  z.object({
    rule: z.nullable(z.string()),
    where: z.nullable(z.string()),
    device: z.nullable(z.string()),
    from: instant,
    until: moment,
    cron: z.nullable(z.string()),
    zone: z.string(),
    lasts: z.number(),
    note: z.string(),
    by: z.string(),
    ts: instant,
  }),
);
/** @throws Error for a row that does not read */
export function parseMute(row: Row): Mute {
  const { id, document } = parseMuteRow(row);
  return { id, ...parseMuteDocument(parseJson(document) as Row) };
}

/** What the alerts keep in the console's database. Statements are prepared once: a fleet's alerts come together. */
export class AlertRows {
  readonly #database: Database;
  readonly #putAlert;
  readonly #putSlot;
  readonly #dropSlot;
  readonly #putLate;
  readonly #overlapping;
  readonly #spans;

  constructor(database: Database) {
    this.#database = database;
    this.#putAlert = database.prepare(
      `INSERT INTO alerts (id, rule, device, series, since, fired, resolved, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET resolved = excluded.resolved, document = excluded.document`,
    );
    this.#putSlot = database.prepare(
      `INSERT INTO alert_slots (rule, device, series, since, fired) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (rule, device, series) DO UPDATE SET since = excluded.since, fired = excluded.fired`,
    );
    this.#dropSlot = database.prepare("DELETE FROM alert_slots WHERE rule = ? AND device = ? AND series = ?");
    this.#putLate = database.prepare(
      `INSERT INTO alert_late (rule, device, series, first, last) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (rule, device, series) DO UPDATE SET first = min(first, excluded.first), last = max(last, excluded.last)`,
    );
    this.#overlapping = database.prepare(
      `SELECT * FROM alerts WHERE rule = ? AND device = ? AND series = ? AND since <= ? AND coalesce(resolved, 9e15) >= ?
       ORDER BY fired`,
    );
    this.#spans = database.prepare(
      `SELECT since, resolved FROM alerts WHERE rule = ? AND device = ? AND series = ? AND since <= ? AND coalesce(resolved, 9e15) >= ?
       ORDER BY since`,
    );
  }

  putAlert({ id, rule, device, series, since, fired, resolved, ...document }: Alert): void {
    this.#putAlert.run(id, rule, device, series, since, fired, resolved, JSON.stringify(document));
  }

  putSlot({ rule, device, series, state }: SlotRow): void {
    if (state === normal || state.phase === "normal") this.#dropSlot.run(rule, device, series);
    else this.#putSlot.run(rule, device, series, state.since, state.phase === "firing" ? state.fired : null);
  }

  slots(): readonly SlotRow[] {
    return damageOf(this.#database).all("alert_slots", this.#prepare("SELECT * FROM alert_slots"), parseSlot);
  }

  open(): readonly Alert[] {
    const select = this.#prepare("SELECT * FROM alerts WHERE resolved IS NULL ORDER BY id");
    return damageOf(this.#database).all("alerts", select, parseAlert);
  }

  /** When the last alert of each series ended. */
  lastEnds(): readonly {
    readonly rule: string;
    readonly device: string;
    readonly series: string;
    readonly at: number;
  }[] {
    const select = this.#prepare(
      "SELECT rule, device, series, max(resolved) AS at FROM alerts WHERE resolved IS NOT NULL GROUP BY rule, device, series",
    );
    return damageOf(this.#database).all("alerts", select, parseEnd);
  }

  find(id: string): Alert | undefined {
    return damageOf(this.#database).one("alerts", this.#prepare("SELECT * FROM alerts WHERE id = ?"), parseAlert, id);
  }

  /** Those that are over, the newest first. @param before an id */
  *over(before: string | undefined): Generator<Alert, void, void> {
    const chunk = 200;
    const select = this.#prepare(
      `SELECT * FROM alerts WHERE resolved IS NOT NULL AND id < ? ORDER BY id DESC LIMIT ${chunk}`,
    );
    let last = before ?? "~";
    for (;;) {
      const rows = damageOf(this.#database).all("alerts", select, parseAlert, last);
      yield* rows;
      const end = rows.at(-1);
      if (rows.length < chunk || !end) return;
      last = end.id;
    }
  }

  /** Alerts of a series whose condition held at some moment of the time between, both ends included. */
  overlapping({ rule, device, series }: Omit<SlotRow, "state">, from: number, to: number): readonly Alert[] {
    return damageOf(this.#database).all("alerts", this.#overlapping, parseAlert, rule, device, series, to, from);
  }

  /** Alerts of a rule on a device that have fired since then. */
  firedSince(rule: string, device: string, since: number): readonly Alert[] {
    const select = this.#prepare("SELECT * FROM alerts WHERE rule = ? AND device = ? AND fired >= ?");
    return damageOf(this.#database).all("alerts", select, parseAlert, rule, device, since);
  }

  /** When these held, the first that began first. */
  spans(
    { rule, device, series }: Omit<SlotRow, "state">,
    from: number,
    to: number,
  ): readonly { readonly since: number; readonly resolved: number | null }[] {
    return damageOf(this.#database).all("alerts", this.#spans, parseSpan, rule, device, series, to, from);
  }

  putLate({ rule, device, series, first, last }: LateRow): void {
    this.#putLate.run(rule, device, series, first, last);
  }

  late(): readonly LateRow[] {
    return damageOf(this.#database).all("alert_late", this.#prepare("SELECT * FROM alert_late"), parseLate);
  }

  dropLate({ rule, device, series }: LateRow): void {
    this.#prepare("DELETE FROM alert_late WHERE rule = ? AND device = ? AND series = ?").run(rule, device, series);
  }

  putPoint({ rule, device, series, points }: PointRow): void {
    this.#prepare(
      `INSERT INTO alert_points (rule, device, series, document) VALUES (?, ?, ?, ?)
       ON CONFLICT (rule, device, series) DO UPDATE SET document = excluded.document`,
    ).run(rule, device, series, JSON.stringify(points));
  }

  point({ rule, device, series }: Omit<SlotRow, "state">): PointRow | undefined {
    const select = this.#prepare("SELECT * FROM alert_points WHERE rule = ? AND device = ? AND series = ?");
    return damageOf(this.#database).one("alert_points", select, parsePoint, rule, device, series);
  }

  /** What is remembered of a series that was forgotten: names of series come from outside, and are without end. */
  dropPoints({ rule, device, series }: Omit<SlotRow, "state">): void {
    this.#prepare("DELETE FROM alert_points WHERE rule = ? AND device = ? AND series = ?").run(rule, device, series);
  }

  rules(): readonly KeptRule[] {
    const select = this.#prepare("SELECT * FROM alert_rules ORDER BY name");
    return damageOf(this.#database).all("alert_rules", select, parseAlertRule);
  }

  putRule({ rule, by, ts }: KeptRule): void {
    this.#prepare(
      `INSERT INTO alert_rules (name, document, by, ts) VALUES (?, ?, ?, ?)
       ON CONFLICT (name) DO UPDATE SET document = excluded.document, by = excluded.by, ts = excluded.ts`,
    ).run(rule.name, JSON.stringify(rule), by, ts);
  }

  removeRule(name: string): void {
    this.#prepare("DELETE FROM alert_rules WHERE name = ?").run(name);
  }

  mutes(): readonly Mute[] {
    const select = this.#prepare("SELECT * FROM alert_mutes ORDER BY id");
    return damageOf(this.#database).all("alert_mutes", select, parseMute);
  }

  putMute({ id, ...document }: Mute): void {
    this.#prepare("INSERT INTO alert_mutes (id, document) VALUES (?, ?)").run(id, JSON.stringify(document));
  }

  removeMute(id: string): void {
    this.#prepare("DELETE FROM alert_mutes WHERE id = ?").run(id);
  }

  /** Lets go of the oldest of those that are over. */
  trim(): void {
    this.#prepare(
      `DELETE FROM alerts WHERE id IN (SELECT id FROM alerts WHERE resolved IS NOT NULL AND id <= (
         SELECT id FROM alerts WHERE resolved IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?) ORDER BY id LIMIT ${trimmedAtOnce})`,
    ).run(maxAlertsKept);
  }

  /** The same of one device, but for those that fire. */
  trimDevice(device: string): void {
    this.#prepare(
      `DELETE FROM alerts WHERE device = ?1 AND resolved IS NOT NULL AND id <= (
         SELECT id FROM alerts WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)`,
    ).run(device, maxAlertsOfDevice);
  }

  /** What is kept of a device. @throws Error of the database */
  erase(device: string): void {
    for (const table of ["alerts", "alert_slots", "alert_late", "alert_points"])
      this.#prepare(`DELETE FROM ${table} WHERE device = ?`).run(device);
  }

  #prepare(sql: string): ReturnType<Database["prepare"]> {
    return this.#database.prepare(sql);
  }
}
