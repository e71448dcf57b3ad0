import type { ZodRoutes } from "../zod-routes.ts";
import { counted } from "#shared/counted";
import type { DeviceDocument, SeriesDocument } from "#api/device-routes";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import type { Clock } from "#shared/clock";
import { livenessOf } from "#shared/liveness";
import type { Identity } from "../../certificates/device-identity.ts";
import type { Device } from "../../devices/device.ts";
import type { RotationOrder } from "../../enrollments/rotate-secret.ts";
import type { Registry } from "../../devices/registry.ts";
import type { MetricsStore } from "../../store/store.ts";
import type { CompletenessReports } from "../../ingest/completeness/reports.ts";
import type { KnownMeasurements } from "../../units/known-measurements.ts";
import { isMark } from "../../ingest/store-marks.ts";
import { maxLookedBack, maxRecalled } from "../../recall.ts";
import { LatestValues } from "../../devices/latest-values.ts";
import { maxPoints } from "../../store/points.ts";
import type { ChooseDevices } from "../choosing.ts";
import { limitOf, noDevice, askerOf } from "../auth.ts";
import { toPresenceDocument, toSampleDocuments } from "../documents.ts";
import { listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { toMoment } from "../asked-moment.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of devices serve. */
export interface DeviceRoutes {
  readonly registry: Pick<Registry, "get" | "walk" | "glance" | "latest">;
  readonly completeness: Pick<CompletenessReports, "of" | "missing">;
  readonly store: Pick<MetricsStore, "query" | "last">;
  readonly clock: Clock;
  /** What is known of a device's measurements, by people's words and its own. */
  readonly measurementsOf: (device: Device) => KnownMeasurements;
  readonly identityOf: (id: DeviceId) => Identity;
  /** Takes a device away. @param by who does */
  readonly remove: (id: DeviceId, by: string) => void;
  readonly rotateSecret: (id: DeviceId, who: RotationOrder) => Promise<void>;
  /** Why nothing is taken of a device; undefined where it was not removed. */
  readonly whyRemoved: (id: DeviceId) => string | undefined;
  /** Ends a device's certificates. @returns whether it has any */
  readonly revoke: (id: DeviceId, who: { readonly by: string; readonly from: string }) => boolean;
  /** Reads which devices somebody means, of those in his reach. */
  readonly choose: ChooseDevices;
  readonly send: Send;
}

/** The fleet, a device, and its metrics. */
export const serveDevices =
  ({
    registry,
    completeness,
    store,
    clock,
    measurementsOf,
    identityOf,
    remove,
    rotateSecret,
    whyRemoved,
    revoke,
    choose,
    send,
  }: DeviceRoutes): ZodRoutes =>
  async (app) => {
    const found = (id: DeviceId): Device => {
      const device = registry.get(id);
      if (!device) throw noDevice(id);
      return device;
    };

    app.route({
      ...served("listDevices"),
      handler: (request, reply) => {
        const { limit: most, after: behind, where } = request.query;
        const reaches = limitOf(request);
        const chosen = choose(where, () => registry.walk(), reaches);
        const document = (device: Device): DeviceDocument => ({
          ...toPresenceDocument(device),
          state: livenessOf(device, clock.now()),
          identity: identityOf(device.id),
          latest: toSampleDocuments(registry.glance(device.id)),
          missing: completeness.missing(device.id),
        });
        const steps = listAnswer({
          list: "devices",
          items: registry.walk(behind),
          only: (device) => (reaches?.(device.id) ?? true) && (chosen?.(device) ?? true),
          document,
          most,
          room: maxPageLength,
          after: ({ last, more }) => ({ next: more ? last?.id : null }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("getDevice"),
      handler: async ({ params }) => {
        const device = found(params.id);
        const { missing } = completeness.of(device.id);
        const latest = toSampleDocuments(registry.latest(device.id));
        return {
          ...toPresenceDocument(device),
          state: livenessOf(device, clock.now()),
          identity: identityOf(device.id),
          latest,
          missing,
          measurements: measurementsOf(device),
        };
      },
    });

    app.route({
      ...served("removeDevice"),
      handler: async (request, reply) => {
        const { id } = found(request.params.id);
        remove(id, askerOf(request).name);
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("rotateSecret"),
      handler: async (request, reply) => {
        const { id } = found(request.params.id);
        await rotateSecret(id, { by: askerOf(request).name, from: request.ip, ...request.body });
        reply.code(204);
        return null;
      },
    });

    app.route({
      ...served("revokeCertificate"),
      handler: async (request, reply) => {
        const { id } = request.params;
        if (!revoke(id, { by: askerOf(request).name, from: request.ip }))
          throw new HttpError(404, `${id} has no certificate that is good`);
        reply.code(204);
        return null;
      },
    });

    // What it has sent stays, also when it is gone.
    const storedOf = (id: DeviceId): DeviceId => (whyRemoved(id) === undefined ? found(id).id : id);

    app.route({
      ...served("listSeries"),
      handler: async (request, reply) => {
        const device = storedOf(request.params.id);
        const { from, to } = toRange(request.query, clock.now());
        const gone = new AbortController();
        reply.raw.once("close", () => gone.abort());
        const by = askerOf(request).name;
        const looked = { most: maxRecalled, rows: maxLookedBack, by, signal: gone.signal };
        const values = new LatestValues();
        // What the console notes of commands and alerts are marks on charts, and no charts.
        values.observe((await store.last({ device, from, to, ...looked })).filter((one) => !isMark(one)));
        return { device, from, to, series: toSampleDocuments(values.list()) };
      },
    });

    app.route({
      ...served("getHistory"),
      handler: async (request, reply) => {
        const { params, query } = request;
        const device = storedOf(params.id);
        const { measurement, field } = query;
        const extremes = query.extremes === "true";
        const range = toRange(query, clock.now());
        // Who has gone away waits for nothing.
        const gone = new AbortController();
        reply.raw.once("close", () => gone.abort());
        const by = askerOf(request).name;
        const series = await store.query({ device, measurement, field, ...range, extremes, by, signal: gone.signal });
        // The schema would look at each of twenty thousand points once more.
        reply.type("application/json; charset=utf-8").serializer(JSON.stringify);
        return { device, measurement, field, ...range, series: series as SeriesDocument[] };
      },
    });
  };

/** @throws BadInputError when the moments are none, in the wrong order, or would give too many points */
export function toRange(
  query: { from: string; to: string; every?: string | undefined },
  now: number,
): { from: number; to: number; every: number } {
  const from = toMoment(query.from, now, "from");
  const to = toMoment(query.to, now, "to");
  if (from >= to)
    throw new BadInputError(`from (${new Date(from).toISOString()}) must be before to (${new Date(to).toISOString()})`);
  const every =
    query.every === undefined ? fitting(to - from) : query.every === "0" ? 0 : parseDuration(query.every, "every");
  if (every > 0 && (to - from) / every > maxPoints) {
    throw new BadInputError(
      `every=${query.every} gives ${counted(Math.ceil((to - from) / every), "point")}: ask for at least every=${Math.ceil((to - from) / maxPoints)}ms`,
    );
  }
  return { from, to, every };
}

/** About 300 points over the range, in whole seconds. */
function fitting(range: number): number {
  return Math.max(1_000, Math.round(range / 300 / 1_000) * 1_000);
}
