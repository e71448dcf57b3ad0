import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { answer, ready, settingsOfChild } from "./children.ts";
import { connectFrame, publishFrame } from "./frames.ts";
import { deviceName } from "./ingest-load.ts";
import { measurementsOf } from "../sim/machine-metrics.ts";

/** What people write without Muster: connections that publish the values of the simulated agents as JSON, at QoS 0, and hear nothing. */
const { devices, port, interval, rate } = settingsOfChild<{
  devices: number;
  port: number;
  interval: number;
  rate: number;
}>();
const began = Date.now();

/** Resolves once it is in. */
async function begin(index: number): Promise<void> {
  const name = deviceName(index);
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  socket.write(connectFrame(name, "secret"));
  await once(socket, "data");
  socket.resume();
  publish(socket, name, index);
  setInterval(() => publish(socket, name, index), interval);
}

function publish(socket: Socket, name: string, index: number): void {
  const ts = Date.now();
  const fields: Record<string, unknown> = {};
  for (const { n, f } of measurementsOf(index, began, [ts]))
    for (const [field, value] of Object.entries(f)) fields[`${n}_${field}`] = value;
  socket.write(publishFrame(`devices/${name}/machine`, Buffer.from(JSON.stringify({ ts, unit: "all", ...fields }))));
}

answer(async () => {
  const all: Promise<void>[] = [];
  for (let index = 0; index < devices; index++) {
    all.push(begin(index));
    if (index % 10 === 9) await pause(10_000 / rate);
  }
  await Promise.all(all);
  return {};
});
ready();
