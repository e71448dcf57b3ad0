import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Keeps one core busy, and so many connections to itself open, as far as there are descriptors for them. Computes in slices, so that it
 * hears when its parent is gone.
 */
const pairs = Number(process.argv[2]);
/** Milliseconds: of a slice, and after which it ends though nobody has told it to. */
const slice = 50;
const longest = 12 * 3_600_000;
/** Connections that are opened at once. */
const chunk = 100;

process.once("disconnect", () => process.exit(0));
// Ctrl-C on a terminal reaches every process of the group: the main one ends the others in order.
process.on("SIGINT", () => {});
setTimeout(() => process.exit(0), longest).unref();

const held: Socket[] = [];
const server = createServer((socket) => {
  socket.on("error", () => {});
  held.push(socket);
});
server.on("error", () => {});
server.listen({ port: 0, host: "127.0.0.1", backlog: chunk });
await once(server, "listening");
const { port } = server.address() as AddressInfo;
for (let open = 0; open < pairs; open += chunk)
  if (!(await all(Array.from({ length: Math.min(chunk, pairs - open) }, one)))) break;
// The far ends of the last few may still be on their way.
await sleep(100);
process.send?.({ sockets: held.length });
burn();

async function all(opened: readonly Promise<boolean>[]): Promise<boolean> {
  return (await Promise.all(opened)).every(Boolean);
}

/** @returns false where there is no descriptor for it */
function one(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      held.push(socket);
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

function burn(): void {
  const end = performance.now() + slice;
  let value = 1;
  while (performance.now() < end) value = Math.sqrt(value + 1);
  setImmediate(burn);
}
