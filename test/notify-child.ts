import { systemClock } from "#shared/clock";
import { createLog } from "#shared/log";
import { transaction } from "../console/database/database.ts";
import { Channels } from "../console/notifications/channels.ts";
import { Courier } from "../console/notifications/courier.ts";
import { enqueue } from "../console/notifications/enqueue.ts";
import { sendByChannel } from "../console/notifications/send-by-channel.ts";
import { openState } from "../console/state/state.ts";

/** The queue of notices in a process of its own, to be killed: with a channel to `url` and one notice, where there are none yet. */
const [directory = "", url = ""] = process.argv.slice(2);
const state = openState(directory, systemClock);
const { database } = state;
const channels = new Channels(database);
if (channels.list().length === 0) {
  const channel = { name: "hook", kind: "webhook", settings: { url }, enabled: true, usual: true, by: "ann", ts: 0 };
  transaction(database, () => {
    channels.put(channel)();
    enqueue(database, {
      alert: "a1",
      kind: "firing",
      rule: "r",
      severity: "warning",
      device: null,
      at: Date.now(),
      since: Date.now(),
      title: "it burns",
      text: "",
      value: null,
      url: null,
      labels: {},
    });
  });
}
const courier = new Courier({
  database,
  channels,
  clock: systemClock,
  log: createLog("notify", "silent"),
  send: sendByChannel({ clock: systemClock, show: () => Promise.reject(new Error("there is no broker")) }),
  gaveUp: () => {},
});
courier.start();
