import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { DeviceId } from "#shared/ids";
import type { Groups } from "../../jobs/groups.ts";
import { Bytes, type Send } from "../list-pages.ts";
import { HttpError } from "../problem.ts";
import { served } from "../serve.ts";
import type { Steps } from "../turns.ts";

/** What the routes of groups serve. */
export interface GroupRoutes {
  readonly groups: Pick<Groups, "walk" | "of" | "set">;
  readonly isKnown: (device: DeviceId) => boolean;
  readonly send: Send;
}

/** The groups that a device is in, for jobs to select by. */
export const serveGroups =
  ({ groups, isKnown, send }: GroupRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    const assertKnown = (id: DeviceId): void => {
      if (!isKnown(id)) throw new HttpError(404, `there is no device "${id}"; GET /api/devices lists them`);
    };

    app.route({
      ...served("listGroups"),
      handler: (request, reply) => send(request, reply, allGroups(groups.walk())),
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
        return { device: id, groups: [...groups.set(id, request.body.groups)] };
      },
    });
  };

/** The members of each group stand together. */
function* allGroups(members: Iterable<{ readonly group: string; readonly device: string }>): Steps<Buffer> {
  const bytes = new Bytes('{"groups":{');
  let before: string | undefined;
  for (const { group, device } of members) {
    const end = before === undefined ? "" : "],";
    const start = group === before ? "," : `${end}${JSON.stringify(group)}:[`;
    bytes.add(`${start}${JSON.stringify(device)}`);
    before = group;
    yield;
  }
  bytes.add(before === undefined ? "}}" : "]}}");
  return bytes.all();
}
