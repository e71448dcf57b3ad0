// The one connection of the interpreter, which blocks its own thread: what comes goes into shared memory, where it waits for it.
import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

const { control, ring } = workerData;
/** Numbers that both threads see: bytes written and read so far, how the connection is, and a bell. */
const [written, , state, bell] = [0, 1, 2, 3];
const numbers = new Int32Array(control);
const bytes = new Uint8Array(ring);
const states = { closed: 0, open: 1, failed: 2 };
let socket;

function ringBell() {
  Atomics.add(numbers, bell, 1);
  Atomics.notify(numbers, bell);
}

parentPort.on("message", ({ what, host, port, data }) => {
  if (what === "close") return socket?.destroy();
  if (what === "write") return socket?.write(Buffer.from(data, "hex"));
  socket
    ?.removeAllListeners()
    .on("error", () => {})
    .destroy();
  Atomics.store(numbers, state, states.closed);
  socket = connect({ host, port, noDelay: true }, () => end(states.open));
  const own = socket;
  const end = (how) => {
    if (own !== socket) return;
    Atomics.store(numbers, state, how);
    ringBell();
  };
  socket.on("error", () => end(states.failed));
  socket.on("close", () => end(states.failed));
  socket.on("data", (chunk) => {
    const at = Atomics.load(numbers, written);
    for (let i = 0; i < chunk.length; i++) bytes[(at + i) % bytes.length] = chunk[i];
    Atomics.store(numbers, written, at + chunk.length);
    ringBell();
  });
});
