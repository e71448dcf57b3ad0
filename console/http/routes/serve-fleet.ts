import type { ZodRoutes } from "../zod-routes.ts";
import { readColumns, type FleetRow } from "../../devices/fleet-columns.ts";
import { FilterNames } from "../../devices/filter-names.ts";
import type { Device } from "../../devices/device.ts";
import type { Registry } from "../../devices/registry.ts";
import { limitOf } from "../auth.ts";
import type { ChooseDevices } from "../choosing.ts";
import { Bytes, listAnswer, maxPageLength, type Send } from "../list-pages.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the fleet's table serves. */
export interface FleetRoutes {
  readonly registry: Pick<Registry, "walk" | "revisions" | "valueNames">;
  readonly rowOf: (device: Device) => FleetRow;
  readonly choose: ChooseDevices;
  readonly send: Send;
}

/** The fleet as columns: what is asked for and no more, and after that what has changed. */
export const serveFleet =
  ({ registry, rowOf, choose, send }: FleetRoutes): ZodRoutes =>
  async (app) => {
    app.route({
      ...served("getFleet"),
      handler: (request, reply) => {
        const { columns: asked, where, since, limit: most, after } = request.query;
        const { revisions } = registry;
        const reaches = limitOf(request);
        const { names, cells } = readColumns(asked);
        const chosen = choose(where, () => registry.walk(), reaches);
        // Whom groups limit is told everything each time: what has gone out of his sight is not told by its name.
        const from = reaches ? undefined : revisions.read(since);
        const gone = from === undefined ? [] : [...revisions.goneSince(from)];
        function* rows(): Generator<FleetRow | undefined, void, void> {
          for (const device of registry.walk(after, from)) {
            const fits = (reaches?.(device.id) ?? true) && (chosen?.(device) ?? true);
            if (!fits && from !== undefined) gone.push(device.id);
            yield fits ? rowOf(device) : undefined;
          }
        }
        const steps = listAnswer({
          list: "rows",
          items: rows(),
          document: cells,
          most,
          room: maxPageLength,
          before: { columns: names, whole: from === undefined, revision: revisions.name(revisions.last) },
          after: ({ last, more }) => ({ gone, next: more ? last?.device.id : null }),
        });
        return send(request, reply, steps);
      },
    });

    app.route({
      ...served("listFilterNames"),
      handler: (request, reply) => {
        const reaches = limitOf(request);
        function* steps(): Steps<Buffer> {
          const names = new FilterNames();
          for (const device of registry.walk()) {
            if (reaches?.(device.id) ?? true) names.take(rowOf(device), registry.valueNames(device.id));
            yield;
          }
          return new Bytes(JSON.stringify({ names: names.list() })).all();
        }
        return send(request, reply, steps());
      },
    });
  };
