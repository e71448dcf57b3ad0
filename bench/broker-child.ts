import { createServer } from "node:net";
import { Aedes } from "aedes";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { ready, settingsOfChild } from "./children.ts";

/** A broker in a process of its own: Muster's, or Aedes as it comes. */
const { kind, port } = settingsOfChild<{ kind: "muster" | "aedes"; port: number }>();
if (kind === "muster") {
  const authenticate = async (name: string) => ({
    name,
    role: name === "watcher" ? ("viewer" as const) : ("device" as const),
  });
  await new Broker({
    listen: "127.0.0.1",
    port,
    root: "muster",
    authenticate,
    log: silentLog,
    clock: systemClock,
  }).start();
} else {
  const aedes = await Aedes.createBroker();
  await new Promise<void>((resolve) => createServer(aedes.handle).listen(port, "127.0.0.1", resolve));
}
ready();
