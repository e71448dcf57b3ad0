import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { Broker } from "../broker/broker.ts";
import { simulatedSecret } from "../console/accounts/secrets.ts";
import { Console } from "../console/console.ts";
import { syncOf } from "../console/database/group-sync.ts";
import { HttpServer } from "../console/http/server.ts";
import { openState } from "../console/state/state.ts";
import { silentLog } from "#shared/log";
import { generateSecret } from "#shared/password";
import { noFaults } from "../sim/faults.ts";
import type { SimulatedReleases } from "../sim/simulated-releases.ts";
import { QuickClock } from "./quick-clock.ts";
import { simulatedDevices } from "./simulated-devices.ts";

export interface RolloutFleetOptions {
  readonly ids: readonly string[];
  readonly releases: SimulatedReleases;
  /** Milliseconds between a device's samples. */
  readonly interval: number;
  readonly seed: string;
  readonly scope: { readonly cleanup: (undo: () => unknown) => void };
}

/** What a verb has said, and how it has ended. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** The simulated day's first moment. */
const morning = Date.UTC(2026, 5, 1, 6);
/** Milliseconds of the simulated time in which all that has been sent is given time to arrive. */
const step = 2_000;
/** Keep-alive of the devices, seconds: the broker's own clock is the machine's, and a simulated day is minutes of it. */
const keepalive = 21_600;
/** Milliseconds of the machine that logging in may take. */
const longestLogin = 10_000;
/** Turns of the event loop that what was sent takes: by a socket to the broker, to the console, and back. */
const turns = 4;

/** A broker, a console with its HTTP side and simulated devices over sockets, in one process, whose time goes as fast as their work allows. */
export async function startRolloutFleet(options: RolloutFleetOptions) {
  const { ids, releases, interval, seed, scope } = options;
  const directory = await inMemory(scope);
  const clock = new QuickClock(morning);
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const { accounts, groups } = state;
  const secret = await simulatedSecret(state, ids);
  const password = generateSecret();
  accounts.set("night", "admin", password);
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: (name, word, source) => accounts.verify(name, word, source),
    groupsOf: (device) => groups.of(device),
    clock,
    log: silentLog,
  });
  const { port } = await broker.start();
  scope.cleanup(() => broker.stop());
  const history = { maxAge: 30 * 86_400_000, maxBytes: 1024 * 1024 * 1024 };
  const console = new Console({ directory, state, log: silentLog, bus: broker.local(), clock, history });
  await console.start();
  scope.cleanup(() => console.stop());
  const server = new HttpServer({ console, accounts, listen: "127.0.0.1", port: 0, log: silentLog });
  const url = `http://127.0.0.1:${await server.start()}`;
  scope.cleanup(() => server.stop());
  const sim = simulatedDevices({
    ids,
    secret,
    port,
    interval,
    keepalive,
    seed,
    // They come and go all day, also while they update.
    faults: { ...noFaults, flap: { devices: Math.ceil(ids.length / 50), every: 3_600_000 } },
    rate: 2_000,
    clock,
    releases,
  });
  const failed = sim.failed.catch((error: Error) => error);
  scope.cleanup(() => sim.stop());
  sim.start();

  const pass = async (ms: number): Promise<void> => {
    for (const end = clock.monotonic() + ms; clock.monotonic() < end;) {
      clock.advance(step);
      for (let left = turns; left > 0; left -= 1) await turn();
      // Logging in takes the machine's time, for whose end no simulated second waits.
      for (const late = performance.now() + longestLogin; sim.connecting > 0 && performance.now() < late;) await turn();
      await syncOf(state.database).synced();
    }
  };
  /** Lets time pass until something has happened. @throws Error where it has not after so many simulated milliseconds */
  const until = async (what: string, isSo: () => boolean, patience: number): Promise<void> => {
    for (const end = clock.monotonic() + patience; !isSo();) {
      if (clock.monotonic() > end) throw new Error(`${what}: not within ${patience / 60_000} simulated minutes`);
      await pass(step);
    }
  };
  /** A verb of the built program, while time passes. */
  const muster = async (...words: readonly string[]): Promise<Said> => {
    const env = { ...process.env, MUSTER_URL: url, MUSTER_TOKEN: `night:${password}`, MUSTER_DATA: directory };
    const child = spawn(process.execPath, ["dist/muster.js", ...words], { env, stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", err: "" };
    for (const name of ["out", "err"] as const)
      child[name === "out" ? "stdout" : "stderr"]
        .setEncoding("utf8")
        .on("data", (text: string) => (said[name] += text));
    const closed = once(child, "close").then(([code]) => code as number | null);
    scope.cleanup(() => child.kill("SIGKILL"));
    // Its output ends before "close" comes; a code or a signal is there by then.
    while (child.exitCode === null && child.signalCode === null) await pass(step);
    return { ...said, code: await closed };
  };
  return { clock, console, sim, failed, pass, until, muster };
}

/** A directory that costs no time of the disk, which each simulated second would wait for; where there is none in memory, one on the disk. */
async function inMemory({ cleanup }: RolloutFleetOptions["scope"]): Promise<string> {
  const directory = await mkdtemp(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "muster-rollout-"));
  cleanup(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

export type RolloutFleet = Awaited<ReturnType<typeof startRolloutFleet>>;
