import type { Socket } from "node:net";
import { must, type Case } from "../case.ts";
import { healthy, type Place } from "../place.ts";
import { address, open } from "../raw.ts";
import { descriptors } from "../server.ts";
import { stream } from "./growth.ts";

/** Connections that say nothing, or not all of it. */
const beginnings: readonly string[] = [
  "",
  "GET /api/devices HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ",
  "POST /api/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
];

/** More connections than the server's process may have files. */
export const files: Case = {
  name: "file-descriptors",
  tries: "more idle and half-said connections than the process may have files open, on both ports",
  async run({ place }) {
    const before = await place.read<{ session: string }>(`/api/devices/${healthy}`);
    const watching = await stream(place, "vera", undefined);
    must(watching.status === 200, `an event stream is answered ${watching.status}`);
    const ports = place.kind === "embedded" ? [place.http, place.mqtt] : [place.http];
    const sockets: Socket[] = [];
    const count = Math.ceil(descriptors * 1.3);
    for (let at = 0; at < count; at++) {
      const socket = open(ports[at % ports.length] ?? place.http, address(at % 200));
      const beginning = beginnings[at % beginnings.length];
      if (beginning) socket.write(beginning);
      sockets.push(socket);
      if (at % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 10));
    }
    // The newest were refused by now; the others are held for as long as an impatient operator would wait.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    const held = sockets.filter((socket) => !socket.destroyed).length;
    const during = await served(place);
    for (const socket of sockets) socket.destroy();
    watching.close();
    await place.healthyAnswers(10);
    const after = await place.read<{ session: string }>(`/api/devices/${healthy}`);
    must(after.session === before.session, "the healthy device's connection was broken");
    return `${count} opened, ${held} held; meanwhile a newcomer is ${during ? "served" : "refused"}`;
  },
};

/** Whether somebody new is served: at the cap in total that may be no. */
async function served(place: Place): Promise<boolean> {
  return place.ask("/healthz", { ms: 2_000 }).then(
    ({ status }) => status === 200,
    () => false,
  );
}
