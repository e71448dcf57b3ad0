import type { ZodRoutes } from "../zod-routes.ts";
import type { FastifyRequest } from "fastify";
import type { AlertDocument, MaintenanceDocument, ShownRuleDocument, TakenMaintenance } from "#api/alert-routes";
import { readRule } from "#shared/alerts/read-rule";
import { ruleProblems, type ScopeProblem } from "#shared/alerts/rule-problems";
import { parseDuration } from "#shared/duration";
import type { DeviceId } from "#shared/ids";
import { BadInputError } from "#shared/errors";
import { assertTold, parseChoice } from "#shared/filter/choose-devices";
import { seriesText, tagsOfSeries, type Alert } from "../../alerts/alert.ts";
import { commandOfAlert } from "../../alerts/alert-commands.ts";
import { maxPreview, type Alerts } from "../../alerts/alerts.ts";
import { maxMuteLasts, type Mute } from "../../alerts/mutes.ts";
import type { Desk } from "../../desk/desk.ts";
import type { ShownRule } from "../../alerts/rule-book.ts";
import { untoldScope, warningsOf, type RuleSurroundings } from "../../alerts/told-rules.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, assertWithinReach, limitOf, noDevice } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import { toMoment } from "../asked-moment.ts";

/** What the routes of alerts serve. */
export interface AlertRoutes {
  readonly alerts: Alerts;
  readonly isKnown: (device: DeviceId) => boolean;
  readonly surroundings: RuleSurroundings;
  readonly desk: Pick<Desk, "find">;
  readonly now: () => number;
  /** Resolves once what was committed is on the disk. */
  readonly synced: () => Promise<void>;
}

/** Alerts that are over which one question looks through at most: of a few devices there may be none. */
const maxLookedThrough = 5_000;
const gravest = ["critical", "warning", "info"];

/** Rules, alerts, and when nobody is told. */
export const serveAlerts =
  ({ alerts, isKnown, surroundings, desk, now, synced }: AlertRoutes): ZodRoutes =>
  async (app) => {
    const { book, rules } = alerts;
    const document = (request: FastifyRequest, alert: Alert): AlertDocument => {
      const sent = commandOfAlert(alert);
      const state = sent && (desk.find(alert.device as DeviceId, sent.id)?.state ?? null);
      const told = {
        ...toAlertDocument(alert, alerts),
        ...(sent && state !== undefined ? { command: { ...sent, state } } : {}),
      };
      return limitOf(request) === undefined ? told : { ...told, history: told.history.map(withoutNote) };
    };
    const maySee = (request: FastifyRequest, { device }: Pick<Alert, "device">): boolean => {
      const limit = limitOf(request);
      return limit === undefined || (device !== "" && limit(device));
    };
    /** Of rules that people have made and that are at work: what is shipped is for fleets of all kinds. */
    const warnings = (): ReadonlyMap<string, readonly string[]> => {
      const own = new Set(rules.list().flatMap(({ rule, shipped }) => (shipped ? [] : [rule.name])));
      return warningsOf(
        rules.active().filter(({ rule }) => own.has(rule.name)),
        surroundings,
      );
    };
    const found = (request: FastifyRequest, id: string): Alert => {
      const alert = book.find(id);
      if (alert && maySee(request, alert)) return alert;
      throw new HttpError(404, `there is no alert "${id}"; GET /api/alerts lists them`);
    };

    app.route({
      ...served("listAlerts"),
      handler: async (request) => {
        const { state, device, rule, limit: most, after } = request.query;
        const wanted = (one: Pick<Alert, "device" | "rule">): boolean =>
          (device === undefined || one.device === device) &&
          (rule === undefined || one.rule === rule) &&
          maySee(request, one);
        if (state === "open") {
          const open = book.open().filter(wanted).sort(byGravity).slice(0, most);
          const pending = [...book.slots()]
            .filter(wanted)
            .flatMap(({ rule: name, device: its, series, state: { phase, ...held } }) =>
              phase === "pending" && "since" in held
                ? [{ rule: name, device: its === "" ? null : its, series: seriesText(series), since: held.since }]
                : [],
            )
            .slice(0, most);
          // They are about the fleet, and nothing for whom groups limit.
          const told = limitOf(request) === undefined ? [...warnings().values()].flat() : [];
          return { alerts: open.map((alert) => document(request, alert)), pending, next: null, warnings: told };
        }
        const over: Alert[] = [];
        let looked = 0;
        let next: string | null = null;
        for (const alert of alerts.over(after)) {
          if (over.length >= most || looked++ >= maxLookedThrough) break;
          next = alert.id;
          if (wanted(alert)) over.push(alert);
        }
        const isEnd = over.length < most && looked <= maxLookedThrough;
        return { alerts: over.map((alert) => document(request, alert)), pending: [], next: isEnd ? null : next };
      },
    });

    app.route({
      ...served("getAlert"),
      handler: async (request) => document(request, found(request, request.params.id)),
    });

    app.route({
      ...served("acknowledgeAlert"),
      handler: async (request) => {
        book.flush();
        const alert = found(request, request.params.id);
        if (alert.resolved !== null) throw new HttpError(409, "the alert is over already");
        const { name: by } = askerOf(request);
        const { note = "" } = request.body;
        const ts = Math.round(now());
        const done = changing(request, () =>
          book.say(
            alert,
            { ts, what: "acknowledged", by, ...(note === "" ? {} : { text: note }) },
            { acknowledged: { by, ts, note } },
          ),
        );
        const next = done();
        await synced();
        return document(request, next);
      },
    });

    app.route({
      ...served("silenceAlert"),
      handler: async (request) => {
        book.flush();
        const alert = found(request, request.params.id);
        const { name: by } = askerOf(request);
        const { note = "" } = request.body;
        const ts = Math.round(now());
        const until = ts + parseDuration(request.body.for, "for", maxMuteLasts);
        const { added, said } = changing(request, () => ({
          added: alerts.addMute({
            ...nothing,
            rule: alert.rule,
            device: alert.device === "" ? null : alert.device,
            from: ts,
            until,
            note,
            by,
          }),
          said: book.say(alert, { ts, what: "silenced", by, text: `until ${new Date(until).toISOString()}` }),
        }));
        added.done();
        const next = said();
        await synced();
        return document(request, next);
      },
    });

    const shown = (): { rules: ShownRuleDocument[] } => {
      const firing = new Map<string, number>();
      for (const { rule } of book.open()) firing.set(rule, (firing.get(rule) ?? 0) + 1);
      const told = warnings();
      return {
        rules: rules.list().map((one) => ({
          ...toRuleDocument(one, firing.get(one.rule.name) ?? 0),
          warnings: [...(told.get(one.rule.name) ?? [])],
        })),
      };
    };

    app.route({ ...served("listAlertRules"), handler: async () => shown() });

    app.route({
      ...served("applyAlertRules"),
      // The framework's sentence knows places in the body, and none of the rules' names.
      attachValidation: true,
      handler: async (request) => {
        assertRulesValid(request, (name, where) => untoldScope(name, where, (one) => rules.find(one), surroundings));
        const { rules: given, prune } = request.body;
        const who = { by: askerOf(request).name, ts: Math.round(now()) };
        changing(request, () => rules.apply(given, who, prune))();
        await synced();
        return { ...shown(), warnings: [...warningsOf(given.map(readRule), surroundings).values()].flat() };
      },
    });

    app.route({
      ...served("removeAlertRule"),
      handler: async (request, reply) => {
        const { name } = request.params;
        const one = rules.find(name);
        if (!one) throw new HttpError(404, `there is no rule "${name}"; GET /api/alert-rules lists them`);
        if (one.shipped)
          throw new BadInputError(
            `the rule ${name} is shipped, and as it was: switch it off with "enabled": false instead`,
          );
        changing(request, () => rules.remove(name))();
        await synced();
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("previewAlertRule"),
      handler: async (request) => {
        const { rule, device } = request.body;
        assertWithinReach(request, device);
        if (!isKnown(device)) throw noDevice(device);
        const moment = now();
        const [from, to] = [
          toMoment(String(request.body.from), moment, "from"),
          toMoment(String(request.body.to), moment, "to"),
        ];
        if (from >= to) throw new BadInputError("from must be before to");
        if (to - from > maxPreview + 60_000) throw new BadInputError("that is too long: expected 7d at most");
        const { every, series } = await alerts.preview(rule, device, { from, to }, askerOf(request).name);
        const told = series.map((one) => ({ series: seriesText(one.series), episodes: [...one.episodes] }));
        return { from, to, every, series: told };
      },
    });

    const toMaintenance = (mute: Mute, active: ReadonlySet<string>): MaintenanceDocument => ({
      ...mute,
      active: active.has(mute.id),
    });
    /** Of who is limited to groups the silences that they made, as far as they are of devices in reach. */
    const mutesOf = (request: FastifyRequest): readonly Mute[] => {
      const [limit, { name }] = [limitOf(request), askerOf(request)];
      const isOwn = ({ by, device }: Mute): boolean => by === name && device !== null && limit?.(device) === true;
      return limit === undefined ? alerts.mutes() : alerts.mutes().filter(isOwn);
    };
    const atWork = (): ReadonlySet<string> => new Set(alerts.activeMutes().map(({ id }) => id));

    app.route({
      ...served("listMaintenance"),
      handler: async (request) => {
        const active = atWork();
        return { maintenance: mutesOf(request).map((mute) => toMaintenance(mute, active)) };
      },
    });

    app.route({
      ...served("addMaintenance"),
      handler: async (request, reply) => {
        const order = toMute(request.body, now());
        if (order.where !== null) assertTold(parseChoice(order.where), surroundings.devices);
        const { mute, done } = changing(request, () => alerts.addMute({ ...order, by: askerOf(request).name }));
        done();
        await synced();
        reply.code(201);
        return toMaintenance(mute, atWork());
      },
    });

    app.route({
      ...served("removeMaintenance"),
      handler: async (request, reply) => {
        const { id } = request.params;
        if (!mutesOf(request).some((mute) => mute.id === id))
          throw new HttpError(404, `there is no maintenance window "${id}"; GET /api/maintenance lists them`);
        changing(request, () => alerts.removeMute(id))();
        await synced();
        reply.code(204);
        return null;
      },
    });
  };

const nothing = { where: null, cron: null, zone: "UTC", lasts: 0 } as const;

/** A maintenance window concerns the whole fleet, and so does its note. */
function withoutNote(event: AlertDocument["history"][number]): AlertDocument["history"][number] {
  return event.what === "held" ? { ...event, text: "held back by maintenance" } : event;
}

/** An alert as it is told: what it is called by whether anybody has seen to it. */
export function toAlertDocument(alert: Alert, alerts: Pick<Alerts, "muted">): AlertDocument {
  const { device, series, told: _, channels: __, labels, history, acknowledged, resolved, ...rest } = alert;
  const tags = tagsOfSeries(series);
  const state =
    resolved !== null
      ? "resolved"
      : acknowledged !== null
        ? "acknowledged"
        : alerts.muted(alert.rule, device)
          ? "silenced"
          : "firing";
  return {
    ...rest,
    state,
    device: device === "" ? null : device,
    series: seriesText(series),
    tags: tags ? { ...tags } : null,
    resolved,
    acknowledged,
    labels: { ...labels },
    history: [...history],
  };
}

/** @throws BadInputError that says of each rule all that is wrong with it */
function assertRulesValid({ validationError, body }: FastifyRequest, scopeProblem: ScopeProblem): void {
  const rules = typeof body === "object" && body !== null && "rules" in body ? body.rules : undefined;
  const told = Array.isArray(rules) ? ruleProblems(rules, scopeProblem) : undefined;
  if (told !== undefined) throw new BadInputError(told);
  if (validationError) throw validationError;
}

function toRuleDocument({ rule, shipped, by, ts }: ShownRule, firing: number): ShownRuleDocument {
  return { rule, shipped, by, ts, firing };
}

function byGravity(one: Alert, other: Alert): number {
  const [grave, less] = [gravest.indexOf(one.severity), gravest.indexOf(other.severity)];
  return grave === less ? other.fired - one.fired : grave - less;
}

function toMute(
  { rule, where, device, from, until, for: lasts, cron, zone, note = "" }: TakenMaintenance,
  now: number,
): Omit<Mute, "id" | "ts" | "by"> {
  const begin = from === undefined ? Math.round(now) : toMoment(String(from), now, "from");
  const span = lasts === undefined ? 0 : parseDuration(lasts, "for", maxMuteLasts);
  if (until !== undefined && lasts !== undefined && cron === undefined)
    throw new BadInputError("it says until when and for how long: expected one of them");
  const end =
    until !== undefined ? toMoment(String(until), now, "until") : cron === undefined && span > 0 ? begin + span : null;
  return {
    rule: rule ?? null,
    where: where ?? null,
    device: device ?? null,
    from: begin,
    until: end,
    cron: cron ?? null,
    zone,
    lasts: span,
    note,
  };
}
