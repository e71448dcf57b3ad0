import { closeSync, constants, lstatSync, openSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { listenAlone } from "./listen-alone.ts";

/**
 * A socket in a directory, by which the kernel says whether a process lives: also to one in another container, where process ids are others
 * and nothing else tells. It outlives its process as a name that nobody listens on.
 */
export interface ClaimSocket {
  close(): void;
}

/** Bytes of a socket's address; beyond, old versions of libuv cut it off. macOS has four less than Linux. */
const maxAddressBytes = 103;
/** Milliseconds in which a socket says whether somebody listens: the kernel does at once, a thread needs some 50 to begin. */
const patience = 10_000;

/**
 * Listens on a new socket, from when it returns and as long as the process lives; it keeps none alive.
 * @returns undefined where the name is taken, or the file system, the sandbox or the system has no such sockets
 */
export function listenIn(directory: string, name: string): ClaimSocket | undefined {
  const address = addressIn(directory, name);
  if (!address) return undefined;
  const server = createServer((caller) => caller.destroy());
  // What there is to say of an error is known below; one of a caller is nothing to us.
  server.on("error", () => {}).unref();
  listenAlone(server, address.path);
  const close = (): void => {
    // It removes the name as well, by the address.
    if (server.listening) server.close();
    address.release();
  };
  if (server.listening) return { close };
  close();
  return undefined;
}

/**
 * Whether somebody listens on a socket. Where there is none, or it cannot be asked, undefined. To be answered at once, by a thread: Node asks
 * in a later turn only, and this is before anything else may begin.
 */
export function answersIn(directory: string, name: string): boolean | undefined {
  if (!isSocket(join(directory, name))) return undefined;
  const address = addressIn(directory, name);
  if (!address) return undefined;
  const said = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  try {
    const thread = new Worker(asking, {
      eval: true,
      workerData: { path: address.path, said },
      execArgv: [],
      env: {},
    });
    thread.on("error", () => {}).unref();
    Atomics.wait(said, 0, answers.none, patience);
  } catch {
    // No memory for a thread.
  } finally {
    address.release();
  }
  if (said[0] === answers.none) return undefined;
  return said[0] === answers.alive;
}

const answers = { none: 0, alive: 1, dead: 2, unknown: 3 } as const;

/** EAGAIN: so many are asking that the queue is full, and there is one. */
const asking = `
  const { path, said } = require("node:worker_threads").workerData;
  const say = (word) => {
    Atomics.store(said, 0, word);
    Atomics.notify(said, 0);
    socket.destroy();
  };
  const words = { ECONNREFUSED: ${answers.dead}, ENOENT: ${answers.dead}, EAGAIN: ${answers.alive} };
  const socket = require("node:net").connect({ path });
  socket.on("connect", () => say(${answers.alive}));
  socket.on("error", ({ code }) => say(words[code] ?? ${answers.unknown}));`;

function isSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;
}

/** A long path by way of the open directory. To be held for as long as the address is used. */
function addressIn(directory: string, name: string): { readonly path: string; release(): void } | undefined {
  const path = join(directory, name);
  if (process.platform === "win32") return undefined;
  if (Buffer.byteLength(path) <= maxAddressBytes) return { path, release: () => {} };
  if (process.platform !== "linux") return undefined;
  try {
    const descriptor = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
    return { path: `/proc/self/fd/${descriptor}/${name}`, release: () => closeSync(descriptor) };
  } catch {
    return undefined;
  }
}
