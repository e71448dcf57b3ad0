import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { DeviceId } from "#shared/ids";
import type { Labels } from "../../devices/labels.ts";
import { changing } from "../audited-routes.ts";
import { noDevice } from "../auth.ts";
import { served } from "../serve.ts";

/** What the routes of labels serve. */
export interface LabelRoutes {
  readonly labels: Pick<Labels, "put">;
  readonly isKnown: (device: DeviceId) => boolean;
}

/** What people call devices and write down about them. */
export const serveLabels =
  ({ labels, isKnown }: LabelRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    app.route({
      ...served("setLabels"),
      handler: async (request) => {
        const { id } = request.params;
        if (!isKnown(id)) throw noDevice(id);
        const put = changing(request, () => labels.put(id, request.body));
        put.done();
        const { tags, ...others } = put.labels;
        return { device: id, ...others, ...(tags ? { tags: [...tags] } : {}) };
      },
    });
  };
