import type { FastifyPluginAsyncZod } from "fastify-type-provider-zod";
import type { CommandDocument } from "#api/command-document";
import type { DeviceId } from "#shared/ids";
import type { Signal } from "#shared/signal";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Command } from "../../desk/command.ts";
import type { Device } from "../../devices/device.ts";
import type { JobSummary } from "../../jobs/jobs.ts";
import type { SamplesHealth } from "../../samples-health.ts";
import type { Sample } from "../../devices/latest-values.ts";
import { loginIn } from "../auth.ts";
import { EventStreams } from "../event-streams.ts";
import { toPresenceDocument } from "../documents.ts";
import { toJobSummaryDocument } from "../job-documents.ts";
import { served } from "../serve.ts";

/** Bytes waiting for one reader; one that is further behind is cut off and will come back and fetch anew. */
const backlog = 1024 * 1024;
/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const keepAlive = 15_000;

/** What the event stream tells of. */
export interface EventRoutes {
  readonly accounts: Accounts;
  readonly devices: { readonly changes: Told<Device>; readonly removals: Told<DeviceId> };
  readonly samples: Told<{ readonly device: DeviceId; readonly samples: readonly Sample[] }>;
  readonly commands: Told<Command>;
  readonly document: (command: Command) => CommandDocument;
  readonly jobs: Told<JobSummary>;
  readonly refusals: Told<void>;
  readonly store: { readonly changes: Told<void>; readonly health: () => SamplesHealth };
}

type Told<T> = Pick<Signal<T>, "on">;

/** Presence, latest values and command changes as server-sent events. */
export const serveEvents =
  ({ accounts, document, devices, samples, commands, jobs, refusals, store }: EventRoutes): FastifyPluginAsyncZod =>
  async (app) => {
    const streams = new EventStreams(accounts);
    const presence = shared("presence", toPresenceDocument);
    const sample = shared("sample", (sampled: object) => sampled);
    const job = shared("job", toJobSummaryDocument);
    const command = shared("command", document);
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
        send(frame("store", store.health()));
        undo = [
          forget,
          devices.changes.on((changed) => wanted(changed.id) && send(presence(changed))),
          devices.removals.on((id) => wanted(id) && send(frame("removed", { device: id }))),
          samples.on((sampled) => wanted(sampled.device) && send(sample(sampled))),
          commands.on((changed) => wanted(changed.device) && send(command(changed))),
          // Jobs concern the fleet: who asks for one device is not told of them.
          jobs.on((changed) => device === undefined && send(job(changed))),
          // Of what, is asked for by who may know.
          refusals.on(() => send(frame("refused", {}))),
          store.changes.on(() => send(frame("store", store.health()))),
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
