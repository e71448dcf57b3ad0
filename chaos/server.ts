import type { Bus } from "#shared/bus";
import { systemClock } from "#shared/clock";
import { createLog } from "#shared/log";
import { isFinalReply, readReply } from "#shared/messages/command-messages";
import { Topics } from "#shared/topics";
import { Console } from "../console/console.ts";
import { isOpen } from "../console/desk/command.ts";
import { CommandRows } from "../console/desk/command-rows.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state.ts";
import { sayReady, settingsOfProcess } from "./child.ts";
import { hastyClock } from "./hasty-clock.ts";
import { around, Points } from "./points.ts";
import { openBus } from "./server-bus.ts";
import { SteppedClock } from "./stepped-clock.ts";

/**
 * The console with its HTTP side, on the embedded broker in the same process or on a connection to the external one. Its
 * kill points are put around its rows and its bus from outside; the product knows nothing of them.
 */
const settings = settingsOfProcess();
const { who, directory, httpPort = 0, arm } = settings;
const points = new Points(who, `${directory}/incidents.jsonl`);
const topics = new Topics();
const clock = new SteppedClock(systemClock, settings.step);

if (arm) points.arm(arm);
aroundRows();
const state = openState(`${directory}/server`, clock);
const { bus, begin } = await openBus(settings, state, topics.root, hastyClock);
const log = createLog(who, "info");
const console = new Console({ directory: state.directory, state, bus: aroundBus(bus), clock, log });
await console.start();
await begin();
await new HttpServer({
  console,
  accounts: state.accounts,
  listen: "127.0.0.1",
  port: httpPort,
  log,
  clock,
}).start();
sayReady();

/** Before and after a command's first row and its closing one. */
function aroundRows(): void {
  around(
    CommandRows.prototype,
    "insert",
    (inner) =>
      function (this: CommandRows, command) {
        points.pass("row.insert");
        inner.call(this, command);
        points.pass("row.inserted");
      },
  );
  around(
    CommandRows.prototype,
    "update",
    (inner) =>
      function (this: CommandRows, command) {
        const closes = !isOpen(command);
        if (closes) points.pass("row.close");
        inner.call(this, command);
        if (closes) points.pass("row.closed");
      },
  );
}

/** Before and after a task and a withdrawal go out, and when a final reply comes in. */
function aroundBus(inner: Bus): Bus {
  return {
    get connected() {
      return inner.connected;
    },
    onConnection: (listener) => inner.onConnection(listener),
    async publish(topic, payload, options) {
      const isTask = topics.parse(topic)?.kind === "task";
      const withdraws = payload.length === 0;
      if (isTask) points.pass(withdraws ? "withdrawal.publish" : "task.publish");
      await inner.publish(topic, payload, options);
      if (isTask) points.pass(withdraws ? "withdrawal.published" : "task.published");
    },
    subscribe: (filters, listener) =>
      inner.subscribe(filters, (message) => {
        const isReply = topics.parse(message.topic)?.kind === "reply";
        if (isReply && isFinalReply(readReply(message.payload).value)) points.pass("reply.received");
        return listener(message);
      }),
  };
}
