import type { ZodRoutes } from "../zod-routes.ts";
import type { DeviceId } from "#shared/ids";
import type { Principal } from "#shared/principal";
import type { Groups } from "../../devices/groups.ts";
import { changing } from "../audited-routes.ts";
import { limitOf, noDevice, askerOf } from "../auth.ts";
import type { Reach } from "../../jobs/target.ts";
import { Bytes, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the routes of groups serve. */
export interface GroupRoutes {
  readonly groups: Pick<Groups, "walk" | "of" | "put">;
  readonly isKnown: (device: DeviceId) => boolean;
  readonly send: Send;
}

/** The groups that a device is in, for jobs to select by. */
export const serveGroups =
  ({ groups, isKnown, send }: GroupRoutes): ZodRoutes =>
  async (app) => {
    const assertKnown = (id: DeviceId): void => {
      if (!isKnown(id)) throw noDevice(id);
    };

    app.route({
      ...served("listGroups"),
      handler: (request, reply) => send(request, reply, allGroups(groups.walk(), limitOf(request))),
    });

    app.route({
      ...served("getGroups"),
      handler: async (request) => {
        const { id } = request.params;
        assertKnown(id);
        return { device: id, groups: [...groups.of(id)] };
      },
    });

    app.route({
      ...served("setGroups"),
      handler: async (request) => {
        const { id } = request.params;
        assertKnown(id);
        const [before, now] = [groups.of(id), [...new Set(request.body.groups)].sort()];
        assertOwn(askerOf(request), before, now);
        // What changes nothing is no entry of the audit log: it could be asked for without end.
        if (JSON.stringify(before) !== JSON.stringify(now)) changing(request, () => groups.put(id, now))();
        return { device: id, groups: [...groups.of(id)] };
      },
    });
  };

/** Who is limited to groups puts devices into these and takes them out, and leaves the others as they are. @throws HttpError */
function assertOwn({ name, groups }: Principal, before: readonly string[], now: readonly string[]): void {
  if (groups === undefined) return;
  const changed = [
    ...now.filter((group) => !before.includes(group)),
    ...before.filter((group) => !now.includes(group)),
  ];
  const foreign = changed.filter((group) => !groups.includes(group));
  if (foreign.length > 0)
    throw new HttpError(403, `"${name}" is limited to ${groups.join(", ")}, and may not change ${foreign.join(", ")}`);
}

/** The members of each group stand together. */
function* allGroups(
  members: Iterable<{ readonly group: string; readonly device: string }>,
  reaches: Reach = () => true,
): Steps<Buffer> {
  const bytes = new Bytes('{"groups":{');
  let before: string | undefined;
  for (const { group, device } of members) {
    if (!reaches(device)) {
      yield;
      continue;
    }
    const end = before === undefined ? "" : "],";
    const start = group === before ? "," : `${end}${JSON.stringify(group)}:[`;
    bytes.add(`${start}${JSON.stringify(device)}`);
    before = group;
    yield;
  }
  bytes.add(before === undefined ? "}}" : "]}}");
  return bytes.all();
}
