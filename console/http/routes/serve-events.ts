import type { ZodRoutes } from "../zod-routes.ts";
import type { CommandDocument } from "#api/command-document";
import type { EventName } from "#api/event-routes";
import type { DeviceId } from "#shared/ids";
import { mayReach, type Principal } from "#shared/principal";
import type { Signal } from "#shared/signal";
import type { Accounts } from "../../accounts/accounts.ts";
import type { Alert } from "../../alerts/alert.ts";
import type { Alerts } from "../../alerts/alerts.ts";
import type { Command } from "../../desk/command.ts";
import type { Device } from "../../devices/device.ts";
import type { Registry } from "../../devices/registry.ts";
import type { Regrouped } from "../../devices/groups.ts";
import type { Jobs, JobSummary } from "../../jobs/jobs.ts";
import type { SamplesHealth } from "../../samples-health.ts";
import type { Sample } from "../../devices/latest-values.ts";
import { limitOf, loginIn } from "../auth.ts";
import { EventStreams } from "../event-streams.ts";
import { toPresenceDocument } from "../documents.ts";
import { toJobSummaryDocument } from "../job-documents.ts";
import { readColumns } from "../../devices/fleet-columns.ts";
import type { FleetFeeds } from "../fleet-feed.ts";
import { served } from "../serve.ts";
import { toAlertDocument } from "./serve-alerts.ts";

/** Bytes waiting for one reader; one that is further behind is cut off and will come back and fetch anew. */
const backlog = 1024 * 1024;
/** Milliseconds between comments that keep proxies from closing a quiet stream. */
const keepAlive = 15_000;

/** What the event stream tells of. */
export interface EventRoutes {
  readonly accounts: Accounts;
  readonly devices: { readonly changes: Told<Device>; readonly removals: Told<DeviceId> } & Pick<Registry, "get">;
  readonly samples: Told<{ readonly device: DeviceId; readonly samples: readonly Sample[] }>;
  readonly commands: Told<Command>;
  readonly document: (command: Command) => CommandDocument;
  readonly jobs: { readonly changes: Told<JobSummary>; readonly look: Jobs["look"] };
  readonly groups: Told<Regrouped>;
  readonly alerts: Pick<Alerts, "muted"> & { readonly book: { readonly changes: Told<Alert> } };
  readonly refusals: Told<void>;
  readonly store: { readonly changes: Told<void>; readonly health: () => SamplesHealth };
  readonly feeds: FleetFeeds;
}

type Told<T> = Pick<Signal<T>, "on">;

/** Presence, latest values and command changes as server-sent events. */
export const serveEvents =
  ({
    accounts,
    document,
    devices,
    samples,
    commands,
    jobs,
    groups,
    alerts,
    refusals,
    store,
    feeds,
  }: EventRoutes): ZodRoutes =>
  async (app) => {
    const streams = new EventStreams(accounts);
    const presence = shared("presence", toPresenceDocument);
    const sample = shared("sample", (sampled: object) => sampled);
    const job = shared("job", toJobSummaryDocument);
    const command = shared("command", document);
    const alert = shared("alert", (changed: Alert) => toAlertDocument(changed, alerts));
    const endListening = accounts.changes.on((change) => streams.changed(change));
    app.addHook("preClose", () => {
      endListening();
      streams.closeAll();
    });

    app.route({
      ...served("events"),
      handler: (request, reply) => {
        const { device, fleet, only } = request.query;
        const names = only?.split(",");
        /** A fleet tells thousands of samples a second: who wants to hear of a job is not sent them. */
        const ifAsked = (name: EventName, listen: () => () => void): (() => void)[] =>
          names === undefined || names.includes(name) ? [listen()] : [];
        const login = loginIn(request);
        const columns = fleet === undefined ? undefined : readColumns(fleet);
        let undo: (() => unknown)[] = [];
        const close = (): void => {
          undo.forEach((off) => off());
          undo = [];
          stream.destroy();
        };
        const forget = streams.add(login, close);
        const stream = reply.hijack().raw;
        const { reaches } = login;
        const limit = limitOf(request);
        const named = (id: string): boolean => device === undefined || device === id;
        // Asked with each event: a device may get into another group at any time.
        const wanted = (id: string): boolean => named(id) && reaches(id);
        // What goes out in bundles comes by itself of the one device alone that somebody looks at.
        const closely = (id: string): boolean => (columns ? device === id : named(id)) && reaches(id);
        const inSight = (id: string): boolean => (columns ? reaches(id) : wanted(id));
        const send = (text: string): void => {
          if (stream.writableLength > backlog) stream.destroy();
          else stream.write(text);
        };
        /** A device comes into sight with its group, and goes with it. */
        const moved = ({ device: id, before }: Regrouped, principal: Principal): void => {
          const now = reaches(id);
          if (mayReach(principal, id, () => before) === now) return;
          // It comes with the next bundle.
          if (now && columns) return;
          const known = devices.get(id);
          if (!now) send(frame("removed", { device: id }));
          else if (known) send(presence(known));
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
          ...ifAsked("presence", () => devices.changes.on((changed) => closely(changed.id) && send(presence(changed)))),
          ...ifAsked("removed", () =>
            devices.removals.on((id) => inSight(id) && send(frame("removed", { device: id }))),
          ),
          ...ifAsked("sample", () => samples.on((sampled) => closely(sampled.device) && send(sample(sampled)))),
          ...ifAsked("command", () => commands.on((changed) => inSight(changed.device) && send(command(changed)))),
          // Jobs concern the fleet: who asks for one device is not told of them.
          ...ifAsked("job", () =>
            jobs.changes.on((changed) => {
              const seen =
                device === undefined || columns ? (limit ? jobs.look(changed.id, limit) : changed) : undefined;
              if (seen) send(limit ? frame("job", toJobSummaryDocument(seen)) : job(seen));
            }),
          ),
          ...(limit
            ? ifAsked("presence", () =>
                groups.on(
                  (changed) => (columns !== undefined || named(changed.device)) && moved(changed, login.principal),
                ),
              )
            : []),
          // One about no single device concerns the fleet.
          ...ifAsked("alert", () =>
            alerts.book.changes.on((changed) => {
              const isSeen =
                changed.device === "" ? limit === undefined && device === undefined : inSight(changed.device);
              if (isSeen) send(alert(changed));
            }),
          ),
          // Of what, is asked for by who may know.
          ...ifAsked("refused", () => refusals.on(() => send(frame("refused", {})))),
          ...ifAsked("store", () => store.changes.on(() => send(frame("store", store.health())))),
          ...(columns ? [feeds.join(columns, login.principal, send)] : []),
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
