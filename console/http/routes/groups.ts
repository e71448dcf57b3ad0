import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Console } from "../../console.ts";
import { allow } from "../auth.ts";
import { deviceId, problemDocument } from "../documents.ts";
import { Bytes, type Send } from "../pages.ts";
import { HttpError } from "../problem.ts";
import type { Steps } from "../turns.ts";

const groups = z.array(z.string().max(64)).max(100);
const document = z.object({ device: z.string(), groups });

/** The groups that a device is in, for jobs to select by. */
export const groupRoutes =
  (console: Console, send: Send): FastifyPluginAsyncZod =>
  async (app) => {
    const params = z.object({ id: deviceId });
    const response = { 200: document, 400: problemDocument, 404: problemDocument };
    const assertKnown = (id: string): void => {
      if (!console.registry.get(id))
        throw new HttpError(404, `there is no device "${id}"; GET /api/devices lists them`);
    };

    app.get(
      "/api/groups",
      {
        schema: {
          summary: "All groups with their devices",
          response: { 200: z.object({ groups: z.record(z.string(), z.array(z.string())) }) },
        },
        preParsing: allow("viewer"),
      },
      (request, reply) => send(request, reply, allGroups(console.jobs.groups.walk())),
    );

    app.get(
      "/api/devices/:id/groups",
      {
        schema: { summary: "The groups that a device is in", params, response },
        preParsing: allow("viewer"),
      },
      async (request) => {
        const { id } = request.params;
        assertKnown(id);
        return { device: id, groups: [...console.jobs.groups.of(id)] };
      },
    );

    app.put(
      "/api/devices/:id/groups",
      {
        schema: {
          summary: "Put a device into these groups and no others",
          params,
          body: z.object({ groups }),
          response,
        },
        preParsing: allow("operator"),
      },
      async (request) => {
        const { id } = request.params;
        assertKnown(id);
        return { device: id, groups: [...console.jobs.groups.set(id, request.body.groups)] };
      },
    );
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
