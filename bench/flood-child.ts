import { connect, type Socket } from "node:net";
import { parseDeviceId } from "#shared/ids";
import { Topics } from "#shared/topics";
import { ready, settingsOfChild } from "./children.ts";
import { connectFrame, publishFrame } from "./frames.ts";

/** Publishers that send QoS 0 messages as fast as their sockets take them, over raw packets so that they cost little themselves. */
const { port, publishers } = settingsOfChild<{ port: number; publishers: number }>();
const payload = Buffer.alloc(64, "x");
const atOnce = 20;
const topics = new Topics();

const sockets = await Promise.all(Array.from({ length: publishers }, (_, index) => login(`device-${index}`)));
process.once("message", () => sockets.forEach(flood));
ready();

function login(id: string): Promise<{ socket: Socket; frames: Buffer }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    socket.once("error", reject);
    socket.once("data", () =>
      resolve({
        socket,
        frames: Buffer.concat(
          Array.from({ length: atOnce }, () =>
            publishFrame(topics.build({ kind: "metrics", device: parseDeviceId(id) }), payload),
          ),
        ),
      }),
    );
    socket.write(connectFrame(id, "secret"));
  });
}

function flood({ socket, frames }: { socket: Socket; frames: Buffer }): void {
  socket.on("error", () => {});
  const push = (): void => {
    if (socket.destroyed) return;
    if (socket.write(frames)) setImmediate(push);
    else socket.once("drain", push);
  };
  push();
}
