import { createServer, type Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { Aedes } from "aedes";
import mqtt from "mqtt-packet";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { Broker } from "../broker/broker.ts";
import { keepHeapLean } from "../commands/compose/lean-heap.ts";
import { answer, ready, settingsOfChild } from "./children.ts";
import type { FloorAnswer, FloorServer } from "./floor.ts";

/** A server that does with a connection what its name says, and nothing else. */
const { server, isLean, port } = settingsOfChild<{ server: FloorServer; isLean: boolean; port: number }>();
if (isLean) keepHeapLean();
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const greeting = Buffer.from("20020000", "hex");
const onSocket: Record<Exclude<FloorServer, "broker">, (aedes: Aedes, socket: Socket) => void> = {
  net: (_, socket) => void socket.on("data", () => socket.write(greeting)),
  parser: (_, socket) => {
    const parser = mqtt.parser();
    parser.on("packet", () => socket.write(greeting));
    socket.on("data", (bytes) => parser.parse(bytes));
  },
  aedes: (aedes, socket) => void aedes.handle(socket),
};

if (server === "broker") {
  const broker = new Broker({
    listen: "127.0.0.1",
    port,
    root: "muster",
    authenticate: async (name) => ({ name, role: "device" }),
    clock: systemClock,
    log: silentLog,
  });
  await broker.start();
} else {
  const aedes = await Aedes.createBroker();
  const take = onSocket[server];
  const listening = createServer((socket) => take(aedes, socket));
  await new Promise<void>((resolve) => void listening.listen(port, "127.0.0.1", resolve));
}

answer(({ collected }: { collected: boolean }): FloorAnswer => {
  if (collected) for (let round = 0; round < 3; round++) collect();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { rss, heapUsed, external };
});
ready();
