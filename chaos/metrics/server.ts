import type { Bus } from "#shared/bus";
import { createLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { Console } from "../../console/console.ts";
import { HttpServer } from "../../console/http/server.ts";
import { openState } from "../../console/state.ts";
import { EmbeddedStore } from "../../console/store/embedded.ts";
import { InfluxStore } from "../../console/store/influx.ts";
import { sayReady, settingsOfProcess } from "../child.ts";
import { hastyClock } from "../hasty-clock.ts";
import { around, Points } from "../points.ts";
import { openBus } from "../server-bus.ts";
import { SteppedClock } from "../stepped-clock.ts";
import type { MetricsPoint } from "./points.ts";

/**
 * The console with its HTTP side, on the embedded broker in the same process or on a connection to the external one, and on
 * either store. Its kill points are put around its bus and its store from outside; the product knows nothing of them.
 */
const settings = settingsOfProcess();
const { who, directory, home = "", httpPort = 0, influxUrl } = settings;
const points = new Points<MetricsPoint>(who, `${directory}/incidents.jsonl`);
const topics = new Topics();
const clock = new SteppedClock(hastyClock, settings.step);
const log = createLog(who, "info");

aroundStores();
const state = openState(home, clock);
const { bus, begin } = await openBus(settings, state, topics.root, clock);
const store = influxUrl === undefined ? {} : { influxUrl };
const console = new Console({ directory: home, state, bus: aroundBus(bus), clock, log, ...store });
await console.start();
await begin();
await new HttpServer({ console, accounts: state.accounts, listen: "127.0.0.1", port: httpPort, log, clock }).start();
sayReady();

/** Before and after the store takes samples. */
function aroundStores(): void {
  around(
    EmbeddedStore.prototype,
    "write",
    (inner) =>
      async function (this: EmbeddedStore, series) {
        points.pass("store.write");
        const outcome = await inner.call(this, series);
        points.pass("store.written");
        return outcome;
      },
  );
  around(
    InfluxStore.prototype,
    "write",
    (inner) =>
      async function (this: InfluxStore, series) {
        points.pass("store.write");
        const outcome = await inner.call(this, series);
        points.pass("store.written");
        return outcome;
      },
  );
}

/** When a batch comes in, and before and after an ack goes out. */
function aroundBus(inner: Bus): Bus {
  return {
    get connected() {
      return inner.connected;
    },
    onConnection: (listener) => inner.onConnection(listener),
    async publish(topic, payload, options) {
      const isAck = topics.parse(topic)?.kind === "ack";
      if (isAck) points.pass("ack.publish");
      await inner.publish(topic, payload, options);
      if (isAck) points.pass("ack.published");
    },
    subscribe: (filters, listener) =>
      inner.subscribe(filters, (message) => {
        if (topics.parse(message.topic)?.kind === "metrics") points.pass("batch.received");
        return listener(message);
      }),
  };
}
