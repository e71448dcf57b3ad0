import type { ZodRoutes } from "../zod-routes.ts";
import type { DeviceId } from "#shared/ids";
import type { Labels } from "../../devices/labels.ts";
import { changing } from "../audited-routes.ts";
import { noDevice } from "../auth.ts";
import { served } from "../serve.ts";

/** What the routes of labels serve. */
export interface LabelRoutes {
  readonly labels: Pick<Labels, "put" | "has" | "of">;
  readonly isKnown: (device: DeviceId) => boolean;
}

/** What people call devices and write down about them. */
export const serveLabels =
  ({ labels, isKnown }: LabelRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("setLabels"),
      handler: async (request) => {
        const { id } = request.params;
        if (!isKnown(id)) throw noDevice(id);
        // What changes nothing is no entry of the audit log: it could be asked for without end.
        if (!labels.has(id, request.body)) changing(request, () => labels.put(id, request.body)).done();
        const { tags, ...others } = labels.of(id);
        return { device: id, ...others, ...(tags ? { tags: [...tags] } : {}) };
      },
    });
  };
