import type { ZodRoutes } from "../zod-routes.ts";
import type { DeviceId } from "#shared/ids";
import { removalPlan } from "../../devices/removal-plan.ts";
import { retiredSince, type Retirements } from "../../devices/retirements.ts";
import type { Database } from "../../database/database.ts";
import { changing } from "../audited-routes.ts";
import { askerOf, noDevice } from "../auth.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";

/** What the routes of devices' service serve. */
export interface ServiceRoutes {
  readonly retirements: Pick<Retirements, "of" | "retire" | "bringBack">;
  readonly database: Database;
  readonly isKnown: (device: DeviceId) => boolean;
  readonly now: () => number;
  /** What becomes of the samples of a device that is removed, in a sentence. */
  readonly samplesStay: (device: DeviceId) => string;
}

/** Devices out of service and into it again. */
export const serveService =
  ({ retirements, database, isKnown, now, samplesStay }: ServiceRoutes): ZodRoutes =>
  async (app) => {
    const assertKnown = (id: DeviceId): void => {
      if (!isKnown(id) && !retirements.of(id)) throw noDevice(id);
    };

    app.route({
      ...served("retireDevice"),
      handler: async (request) => {
        const { id } = request.params;
        assertKnown(id);
        const before = retirements.of(id);
        if (before) throw new HttpError(409, `${retiredSince(id, before)} already`);
        const retirement = { by: askerOf(request).name, ts: Math.round(now()) };
        changing(request, () => retirements.retire(id, retirement))();
        return { device: id, ...retirement };
      },
    });

    app.route({
      ...served("bringBack"),
      handler: async (request) => {
        const { id } = request.params;
        assertKnown(id);
        if (!retirements.of(id)) throw new HttpError(409, `${id} is not retired`);
        const { comesIn, done } = changing(request, () => retirements.bringBack(id));
        done();
        return { device: id, comesIn };
      },
    });

    app.route({
      ...served("planRemoval"),
      handler: async (request) => {
        const { id } = request.params;
        assertKnown(id);
        const { goes, stays } = removalPlan(database, id);
        return { device: id, goes: { ...goes }, stays: { ...stays }, samples: samplesStay(id) };
      },
    });
  };
