import { connect } from "node:net";
import { once } from "node:events";
import { ready, settingsOfChild } from "./children.ts";
import { connectFrame, publishFrame } from "./frames.ts";
import { deviceName, measurement, readingsAt, timeOf, type Load } from "./ingest-load.ts";

/**
 * Publishes the same samples as JSON, one a message, at QoS 0. Never more on the way than Mosquitto keeps for one
 * subscriber: nothing in a plain pipeline holds a publisher back, and without this most of it would be lost.
 */
const { load, port } = settingsOfChild<{ load: Load; port: number }>();
const atOnce = 100;
const maxOnTheWay = 800;
const socket = connect({ port, host: "127.0.0.1", noDelay: true });
socket.write(connectFrame("publisher", "secret"));
await once(socket, "data");
const chunks: Buffer[] = [];
const frames: Buffer[] = [];
for (let instant = 0; instant < load.batches * load.instants; instant++) {
  for (let device = 0; device < load.devices; device++) {
    for (const { tags, fields } of readingsAt(load, instant)) {
      const sample = JSON.stringify({ ts: timeOf(load, instant), ...tags, ...fields });
      frames.push(publishFrame(`devices/${deviceName(device)}/${measurement}`, Buffer.from(sample)));
      if (frames.length === atOnce) chunks.push(Buffer.concat(frames.splice(0)));
    }
  }
}
let [sent, received, until] = [0, 0, 0];

function pump(): void {
  while (sent < until && sent - received + atOnce <= maxOnTheWay) {
    const chunk = chunks[sent / atOnce];
    if (!chunk) return;
    socket.write(chunk);
    sent += atOnce;
  }
}

process.on("message", (said: { received?: number; until?: number }) => {
  received = said.received ?? received;
  until = said.until ?? until;
  pump();
});
ready();
