// Runs a program for boards under the real MicroPython, compiled to WebAssembly: node run.mjs main.py DIRECTORY, where its muster.json is.
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { loadMicroPython } from "@micropython/micropython-webassembly-pyscript";

const [program = "", directory = ""] = process.argv.slice(2);
const [control, ring] = [new SharedArrayBuffer(16), new SharedArrayBuffer(1 << 20)];
const numbers = new Int32Array(control);
const bytes = new Uint8Array(ring);
const [written, read, state, bell] = [0, 1, 2, 3];
const worker = new Worker(new URL("socket-worker.mjs", import.meta.url), { workerData: { control, ring } });

/** Waits for the bell. @returns whether it is so in time */
function until(isSo, patience) {
  const end = Date.now() + (patience < 0 ? 1e9 : patience);
  for (;;) {
    const heard = Atomics.load(numbers, bell);
    if (isSo()) return true;
    const left = end - Date.now();
    if (left <= 0) return false;
    Atomics.wait(numbers, bell, heard, left);
  }
}

const there = () => Atomics.load(numbers, written) - Atomics.load(numbers, read);

/** What the interpreter's own socket would be. Bytes go as hexadecimal digits: it hands over text and numbers alone. */
const net = {
  connect(host, port) {
    Atomics.store(numbers, written, 0);
    Atomics.store(numbers, read, 0);
    Atomics.store(numbers, state, 0);
    worker.postMessage({ what: "connect", host, port }, []);
    return until(() => Atomics.load(numbers, state) !== 0, 20_000) && Atomics.load(numbers, state) === 1;
  },
  read(size, patience) {
    const isThere = until(() => there() >= size || Atomics.load(numbers, state) !== 1, patience);
    if (!isThere) return "later";
    const at = Atomics.load(numbers, read);
    const count = Math.min(size, there());
    Atomics.store(numbers, read, at + count);
    return Buffer.from(Array.from({ length: count }, (_, i) => bytes[(at + i) % bytes.length])).toString("hex");
  },
  write(data) {
    if (Atomics.load(numbers, state) !== 1) return false;
    worker.postMessage({ what: "write", data }, []);
    return true;
  },
  close: () => worker.postMessage({ what: "close" }, []),
  random: (size) => randomBytes(size).toString("hex"),
  // The interpreter's own is a busy loop.
  sleep: (ms) => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Math.max(ms, 1)),
};

const python = await loadMicroPython({ stdout: (line) => process.stderr.write(`${line}\n`), heapsize: 4 << 20 });
python.registerJsModule("_net", net);
python.FS.mkdirTree("/lib/umqtt");
python.FS.writeFile("/lib/umqtt/__init__.py", "");
python.FS.writeFile("/lib/umqtt/simple.py", readFileSync(new URL("simple.py", import.meta.url)));
python.FS.writeFile("muster.json", readFileSync(join(directory, "muster.json")));
const prelude = `
import os, sys, time, _net
sys.path.append("/lib")
class Time:
    ticks_ms, ticks_diff, sleep_ms = time.ticks_ms, time.ticks_diff, lambda ms: _net.sleep(ms)
# What boards have, and this port of it has not.
class Os:
    rename, urandom = os.rename, lambda size: bytes.fromhex(_net.random(size))
sys.modules["time"], sys.modules["os"] = Time, Os
`;
try {
  python.runPython(prelude);
  python.runPython(readFileSync(program, "utf8"));
} catch (error) {
  process.stderr.write(`${String(error).slice(0, 2_000)}\n`);
  process.exitCode = 1;
}
await worker.terminate();
