import { setTimeout as delay } from "node:timers/promises";
import type { FastifyInstance } from "fastify";
import { isLocked } from "../database/database.ts";

/** How often a request is tried again that met another process's lock on the database, and milliseconds between: some 5 s in all. */
export const lockRetries = { times: 20, pause: 250 };

/**
 * A request that changes something and meets the lock of another process (`muster enroll`, a copy being made) waits for it off the event
 * loop. A handler's first write is what the lock refuses, so that it has changed nothing by then.
 */
export function waitForLocks(app: FastifyInstance, { times, pause } = lockRetries): void {
  app.addHook("onRoute", (route) => {
    if (route.method === "GET" || route.method === "HEAD") return;
    const { handler } = route;
    route.handler = async function (request, reply): Promise<unknown> {
      for (let left = times; ; left -= 1) {
        try {
          return await handler.call(this, request, reply);
        } catch (thrown) {
          if (!isLocked(thrown) || left <= 0) throw thrown;
        }
        await delay(pause);
      }
    };
  });
}
