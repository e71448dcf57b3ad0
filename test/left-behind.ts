import { readdirSync, readlinkSync } from "node:fs";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import * as assert from "uvu/assert";
import { systemClock, type Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Bus } from "#shared/bus";

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** A clock that knows which of its timers are set. */
export class CountingClock implements Clock {
  readonly #inner: Clock;
  readonly #set = new Set<object>();

  constructor(inner: Clock = systemClock) {
    this.#inner = inner;
  }

  get timers(): number {
    return this.#set.size;
  }

  now(): number {
    return this.#inner.now();
  }

  monotonic(): number {
    return this.#inner.monotonic();
  }

  uptime(): number {
    return this.#inner.uptime();
  }

  after(ms: number, act: () => void): () => void {
    const timer = {};
    this.#set.add(timer);
    const cancel = this.#inner.after(ms, () => {
      this.#set.delete(timer);
      act();
    });
    return () => {
      this.#set.delete(timer);
      cancel();
    };
  }
}

/** A bus that knows who listens to it. */
export class CountingBus implements Bus {
  readonly #inner: Bus;
  readonly #listeners = new Set<object>();

  constructor(inner: Bus) {
    this.#inner = inner;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  get connected(): boolean {
    return this.#inner.connected;
  }

  publish(...message: Parameters<Bus["publish"]>): Promise<void> {
    return this.#inner.publish(...message);
  }

  subscribe(...asked: Parameters<Bus["subscribe"]>): () => Promise<void> {
    const end = this.#inner.subscribe(...asked);
    this.#listeners.add(end);
    return () => {
      this.#listeners.delete(end);
      return end();
    };
  }

  onConnection(...asked: Parameters<Bus["onConnection"]>): () => void {
    const end = this.#inner.onConnection(...asked);
    this.#listeners.add(end);
    return () => {
      this.#listeners.delete(end);
      end();
    };
  }
}

/** The files of `directory` that this process has open, when all is gone that nobody refers to: SQLite waits for its prepared statements. */
export async function openFilesIn(directory: string): Promise<string[]> {
  let open = listed(directory);
  for (let turns = 0; turns < 20 && open.length > 0; turns += 1) {
    collectGarbage();
    await turn();
    open = listed(directory);
  }
  return open;
}

function listed(directory: string): string[] {
  return readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(directory) ? [path] : [];
    } catch {
      // The descriptor of the list itself.
      return [];
    }
  });
}

/** What keeps this process alive, but for its own pipes: timers, sockets, servers, threads. */
function resources(): string[] {
  const lasting = /^(Timeout|TCP|Pipe(Server|Connect)|MessagePort|FSEvent|StatWatcher|Process)/;
  return process
    .getActiveResourcesInfo()
    .filter((one) => lasting.test(one))
    .sort();
}

/** @returns what fails where there is more of what keeps a process alive than there was when it was called */
export async function lookAround(): Promise<() => Promise<void>> {
  // The deadline of the test is set after its first turn, and what the test before has closed is gone some turns later.
  for (let turns = 0; turns < 20; turns += 1) await turn();
  const before = resources();
  return async () => {
    // What was closed is gone some turns later.
    for (let turns = 0; turns < 200 && String(resources()) !== String(before); turns += 1) await turn();
    assert.equal(resources(), before);
  };
}

/** A part whose start is to fail: a class, and the method of it that starts. */
export interface Start {
  readonly of: { readonly prototype: object; readonly name: string };
  readonly by: string;
}

/** From now on the start throws when it has done its work: the hardest moment, when all of it stands. @returns what undoes that */
export function failing({ of, by }: Start): () => void {
  const prototype = of.prototype as Record<string, (...given: unknown[]) => unknown>;
  const real = prototype[by];
  assert.type(real, "function", `${by} is no method`);
  prototype[by] = function (...given) {
    const done = real?.apply(this, given);
    const fail = (): never => {
      throw new Error(`${by} fails`);
    };
    return done instanceof Promise ? done.then(fail) : fail();
  };
  return () => {
    if (real) prototype[by] = real;
  };
}

/** What `act` throws, or what its promise rejects with, as text: an error whose stack was never read holds on to all that is in it. */
export async function thrownBy(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (thrown) {
    return asError(thrown).stack ?? "";
  }
  throw new Error("nothing was thrown");
}
