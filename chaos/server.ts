import { systemClock } from "#shared/clock";
import { createLog } from "#shared/log";
import { isFinalReply, readReply } from "#shared/messages/command-messages";
import { Topics } from "#shared/topics";
import { Console } from "../console/console.ts";
import { isOpen } from "../console/desk/command.ts";
import { CommandRows } from "../console/desk/command-rows.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state/state.ts";
import { EmbeddedStore } from "../console/store/embedded.ts";
import { InfluxStore } from "../console/store/influx.ts";
import { sayReady, settingsOfProcess } from "./child.ts";
import { hastyClock } from "./hasty-clock.ts";
import { packAllTheTime } from "./packing.ts";
import { around, aroundTraffic, KillPoints } from "./points.ts";
import { openBus } from "./server-bus.ts";
import { SteppedClock } from "./stepped-clock.ts";

/**
 * The console with its HTTP side, on the embedded broker in the same process or on a connection to the external one, and on
 * either store. Its kill points are put around its rows, its stores and its bus from outside; the product knows nothing of them.
 */
const settings = settingsOfProcess();
const { who, directory, home, httpPort = 0, influxUrl, hasty = false, arm, step } = settings;
const points = new KillPoints(who, directory, arm);
const topics = new Topics();
const clock = new SteppedClock(hasty ? hastyClock : systemClock, step);
const log = createLog(who, "info");

aroundRows();
aroundWrites(EmbeddedStore.prototype);
packAllTheTime(points, directory);
aroundWrites(InfluxStore.prototype);
const state = openState(home, clock);
const { bus, begin } = await openBus(settings, state, topics.root, new SteppedClock(hastyClock, step));
aroundTraffic(bus, {
  out(topic, payload) {
    const kind = topics.parse(topic)?.kind;
    if (kind === "ack") return points.between("ack.publish", "ack.published");
    if (kind !== "task") return undefined;
    if (payload.length === 0) return points.between("withdrawal.publish", "withdrawal.published");
    return points.between("task.publish", "task.published");
  },
  in({ topic, payload }) {
    const kind = topics.parse(topic)?.kind;
    if (kind === "metrics") points.pass("batch.received");
    if (kind === "reply" && isFinalReply(readReply(payload).value)) points.pass("reply.received");
    return undefined;
  },
});
const store = influxUrl === undefined ? {} : { influxUrl };
const console = new Console({ directory: home, state, bus, clock, log, ...store });
await console.start();
await begin();
await new HttpServer({ console, accounts: state.accounts, listen: "127.0.0.1", port: httpPort, log, clock }).start();
sayReady();

/** Before and after a command's first row and its closing one. */
function aroundRows(): void {
  around(
    CommandRows.prototype,
    "insert",
    (inner) =>
      function (this: CommandRows, command) {
        const after = points.between("row.insert", "row.inserted");
        inner.call(this, command);
        after();
      },
  );
  around(
    CommandRows.prototype,
    "update",
    (inner) =>
      function (this: CommandRows, command) {
        const after = isOpen(command) ? undefined : points.between("row.close", "row.closed");
        inner.call(this, command);
        after?.();
      },
  );
}

/** Before and after the store takes samples. */
function aroundWrites(store: Pick<EmbeddedStore, "write">): void {
  around(
    store,
    "write",
    (inner) =>
      async function (this: typeof store, series) {
        const after = points.between("store.write", "store.written");
        const outcome = await inner.call(this, series);
        after();
        return outcome;
      },
  );
}
