import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Command, Console } from "../../console.ts";
import { loginIn } from "../auth.ts";
import { EventStreams } from "../event-streams.ts";
import { toCommandDocument, toPresenceDocument } from "../documents.ts";
import { toJobSummaryDocument } from "../job-documents.ts";
import { served } from "../serve.ts";

/** Bytes waiting for one reader; one that is further behind is cut off and will come back and fetch anew. */
const backlog = 1024 * 1024;
/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const keepAlive = 15_000;

/** Presence, latest values and command changes as server-sent events. */
export const eventRoutes =
  (console: Console, accounts: Accounts): FastifyPluginAsyncZod =>
  async (app) => {
    const streams = new EventStreams(accounts);
    const presence = shared("presence", toPresenceDocument);
    const sample = shared("sample", (sampled: object) => sampled);
    const job = shared("job", toJobSummaryDocument);
    const command = shared("command", (changed: Command) =>
      toCommandDocument(
        changed,
        console.registry.get(changed.device),
        console.desk.answerTimes(changed.device, changed.key),
      ),
    );
    const endListening = accounts.changes.on((change) => streams.changed(change));
    app.addHook("preClose", () => {
      endListening();
      streams.closeAll();
    });

    app.route({
      ...served("events"),
      handler: (request, reply) => {
        const { device } = request.query;
        const login = loginIn(request);
        let undo: (() => unknown)[] = [];
        const close = (): void => {
          undo.forEach((off) => off());
          undo = [];
          stream.destroy();
        };
        const forget = streams.add(login, close);
        const stream = reply.hijack().raw;
        const wanted = (id: string): boolean => device === undefined || device === id;
        const send = (text: string): void => {
          if (stream.writableLength > backlog) stream.destroy();
          else stream.write(text);
        };
        stream.writeHead(200, {
          "content-type": "text/event-stream",
          "cache-control": "no-store",
          "x-accel-buffering": "no",
        });
        stream.write("retry: 1000\n\n");
        send(frame("store", console.storeHealth()));
        undo = [
          forget,
          console.registry.changes.on((changed) => wanted(changed.id) && send(presence(changed))),
          console.registry.removals.on((id) => wanted(id) && send(frame("removed", { device: id }))),
          console.events.samples.on((sampled) => wanted(sampled.device) && send(sample(sampled))),
          console.desk.changes.on((changed) => wanted(changed.device) && send(command(changed))),
          // Jobs concern the fleet: who asks for one device is not told of them.
          console.jobs.changes.on((changed) => device === undefined && send(job(changed))),
          // Of what, is asked for by who may know.
          console.refusals.changes.on(() => send(frame("refused", {}))),
          console.events.store.on(() => send(frame("store", console.storeHealth()))),
        ];
        // A session also ends by itself, of age.
        const beat = setInterval(() => {
          if (streams.isGood(login)) stream.write(": still here\n\n");
          else close();
        }, keepAlive);
        undo.push(() => clearInterval(beat));
        stream.once("close", close);
      },
    });
  };

function frame(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** The text of an event, written out once for all streams: a command may have 64 KiB of output, and there are hundreds of them. */
function shared<T extends object>(event: string, document: (from: T) => unknown): (from: T) => string {
  let last: T | undefined;
  let text = "";
  return (from) => {
    if (from === last) return text;
    last = from;
    text = frame(event, document(from));
    // Streams are told in one turn; the same object told again later may have another sentence beside it.
    queueMicrotask(() => {
      last = undefined;
      text = "";
    });
    return text;
  };
}
