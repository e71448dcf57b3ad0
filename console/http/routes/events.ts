import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import * as z from "zod";
import type { Accounts } from "../../accounts.ts";
import type { Console } from "../../console.ts";
import { allow } from "../auth.ts";
import { toJobSummaryDocument } from "../../jobs/document.ts";
import { toCommandDocument, toDeviceDocument } from "../documents.ts";

/** Bytes waiting for one reader; one that is further behind is cut off and will come back and fetch anew. */
const backlog = 1024 * 1024;
/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const keepAlive = 15_000;

/** Presence, latest values and command changes as server-sent events. */
export const eventRoutes =
  (console: Console, accounts: Accounts): FastifyPluginAsyncZod =>
  async (app) => {
    const closers = new Set<() => void>();
    app.addHook("preClose", () => closers.forEach((close) => close()));

    app.get(
      "/api/events",
      {
        schema: {
          summary: "Server-sent events: presence, sample, command, job, store",
          querystring: z.object({ device: z.string().optional() }),
          produces: ["text/event-stream"],
        },
        preHandler: allow("viewer", accounts),
      },
      (request, reply) => {
        const { device } = request.query;
        const stream = reply.hijack().raw;
        const wanted = (id: string): boolean => device === undefined || device === id;
        const send = (event: string, data: unknown): void => {
          if (stream.writableLength > backlog) stream.destroy();
          else stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
        };
        stream.writeHead(200, {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        stream.write("retry: 1000\n\n");
        send("store", console.storeHealth());
        const undo = [
          console.registry.changes.on((changed) => wanted(changed.id) && send("presence", toDeviceDocument(changed))),
          console.events.samples.on((sampled) => wanted(sampled.device) && send("sample", sampled)),
          console.desk.changes.on(
            (command) =>
              wanted(command.device) &&
              send(
                "command",
                toCommandDocument(
                  command,
                  console.registry.get(command.device),
                  console.desk.answerTimes(command.device, command.key),
                ),
              ),
          ),
          // Jobs concern the fleet: who asks for one device is not told of them.
          console.jobs.changes.on((job) => device === undefined && send("job", toJobSummaryDocument(job))),
          console.events.store.on(() => send("store", console.storeHealth())),
        ];
        const beat = setInterval(() => stream.write(": still here\n\n"), keepAlive);
        const close = (): void => {
          clearInterval(beat);
          undo.forEach((off) => off());
          closers.delete(close);
          stream.destroy();
        };
        closers.add(close);
        stream.once("close", close);
      },
    );
  };
