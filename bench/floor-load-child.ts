import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { answer, ready, settingsOfChild } from "./children.ts";
import { connectFrame } from "./frames.ts";
import { deviceName } from "./ingest-load.ts";

/** Connections that introduce themselves, hear one answer and say nothing more. */
const { port, connections } = settingsOfChild<{ port: number; connections: number }>();
/** Begun in one go, and then awaited. */
const atOnce = 100;
const sockets: Socket[] = [];

async function come(index: number): Promise<void> {
  const socket = connect(port, "127.0.0.1");
  sockets.push(socket);
  await new Promise<void>((heard, failed) => {
    socket.once("data", () => heard());
    socket.once("error", failed);
    socket.write(connectFrame(deviceName(index), "a secret"));
  });
}

answer(async () => {
  while (sockets.length < connections) {
    await Promise.all(Array.from({ length: atOnce }, () => come(sockets.length)));
    await pause(10);
  }
  return {};
});
ready();
