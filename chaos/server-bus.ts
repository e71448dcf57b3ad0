import type { Bus } from "#shared/bus";
import type { Clock } from "#shared/clock";
import { Link } from "#shared/link";
import { createLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { patientKeepalive } from "./hasty-clock.ts";
import { Journal } from "./journal.ts";
import type { State } from "../console/state/state.ts";
import { brokerUrl, type ProcessSettings } from "./child.ts";

/** How a console's process meets the broker: the embedded one in the same process, or a connection to the external one. */
export async function openBus(
  { who, directory, embedded, mqtt, mqttPort, ca, identity, password }: ProcessSettings,
  { accounts }: State,
  root: string,
  clock: Clock,
): Promise<{ readonly bus: Bus; readonly begin: () => unknown }> {
  if (!embedded) {
    const link = new Link({
      url: brokerUrl(mqttPort, ca),
      ca: () => ca,
      clientId: "console",
      username: "console",
      password,
      version: mqtt,
      log: createLog("link", "info"),
      clock,
      keepalive: patientKeepalive,
    });
    writeDownCuts(link, who, directory);
    return { bus: link, begin: () => link.start() };
  }
  const broker = new Broker({
    listen: "127.0.0.1",
    // Who has TLS has no other port that anybody knows of.
    port: identity ? 0 : mqttPort,
    tls: identity && {
      listen: "127.0.0.1",
      port: mqttPort,
      identity: { current: () => identity, changes: { on: () => () => {} } },
    },
    root,
    authenticate: (name, secret, source) => accounts.verify(name, secret, source),
    log: createLog("broker", "info"),
    clock,
  });
  await broker.open();
  return { bus: broker.local(), begin: () => broker.start() };
}

/**
 * Whatever its connection ends of, what the broker had for it is gone then, and nobody else sees that.
 * @param directory of the run
 */
function writeDownCuts(link: Link, who: string, directory: string): void {
  const incidents = new Journal(`${directory}/incidents.jsonl`);
  const note = (what: string): void => incidents.add({ at: Date.now(), who, what });
  let state: "new" | "up" | "cut off" = "new";
  link.onConnection((change) => {
    if (change.up) {
      if (state === "cut off") note("hears again");
      state = "up";
    } else if (state === "up") {
      note(`cut off from the broker: ${change.reason}`);
      state = "cut off";
    }
  });
}
