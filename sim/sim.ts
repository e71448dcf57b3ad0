import { createSecureContext } from "node:tls";
import { certificateTrouble } from "#shared/certificate-troubles";
import type { Clock } from "#shared/clock";
import { EnvironmentError, errorCode } from "#shared/errors";
import { parseDeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { Topics } from "#shared/topics";
import { SimulatedDevice } from "./simulated-device.ts";
import { Entrance } from "./entrance.ts";
import type { Faults } from "./faults.ts";
import { pick, seedOf, subseed } from "./random.ts";
import { SimTally } from "./sim-tally.ts";
import type { SimulatedReleases } from "./simulated-releases.ts";
import { Wheel } from "./wheel.ts";
import { Wire } from "./wire.ts";
import { HeardConsole, type World } from "./world.ts";

export interface SimOptions {
  /** The devices' ids. */
  readonly ids: readonly string[];
  /** The secret of every one of them. */
  readonly secret: string;
  /** The broker. */
  readonly host: string;
  readonly port: number;
  /** It is spoken to by TLS: the authorities that are trusted, as PEM, and no others; those of the system without. */
  readonly tls?: { readonly ca: readonly string[] | undefined } | undefined;
  readonly root: string;
  /** Milliseconds between a device's samples, and samples in a batch. */
  readonly interval: number;
  readonly batchSize: number;
  /** The same text: the same values, and the same faults at the same devices. */
  readonly seed: string;
  readonly faults: Faults;
  /** Connections begun in a second at most. */
  readonly rate: number;
  /** Seconds within which the broker hears of a device that is well; 60 by default. */
  readonly keepalive?: number;
  /** What devices update to; without it they offer no `update`. */
  readonly releases?: SimulatedReleases;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds at the end: for the last batches to be stored, and for the broker to close the connections. */
const farewell = { batches: 2_000, close: 10_000 };
/** Deaths published in one turn of the event loop. */
const goodbyesAtOnce = 100;

/**
 * Many simulated devices in one process, each with a connection, an id and an account of its own, speaking the protocol as
 * agents do. A constructor stores, {@link start} acts, {@link stop} undoes.
 */
export class Sim {
  readonly tally = new SimTally();
  /** Rejects when it cannot go on: nobody answers at the broker's address, or it lets the devices not in. */
  readonly failed: Promise<never>;
  readonly #options: SimOptions;
  readonly #wheel: Wheel;
  #devices: SimulatedDevice[] = [];
  #entrance: Entrance | undefined;
  #fail: (error: Error) => void = () => {};
  #told = false;

  constructor(options: SimOptions) {
    this.#options = options;
    this.#wheel = new Wheel(options.clock);
    this.failed = new Promise((_, reject) => (this.#fail = reject));
    // Whoever does not await it has stopped already.
    this.failed.catch(() => {});
  }

  /** @throws BadInputError for an id that is none */
  start(): void {
    const { ids, seed, faults } = this.#options;
    const world = this.#world();
    const flaps = pick(subseed(world.seed, 1), ids.length, faults.flap.devices);
    const skewed = pick(subseed(world.seed, 2), ids.length, faults.skew);
    const cloned = pick(subseed(world.seed, 3), ids.length, faults.clone);
    const device = (index: number, copy: "" | "-copy"): SimulatedDevice =>
      new SimulatedDevice(world, {
        id: parseDeviceId(ids[index] ?? ""),
        seed: subseed(world.seed, 1_000 + index),
        instance: `sim-${subseed(seedOf(seed), index).toString(36)}${copy}`,
        flaps: flaps.has(index),
        wrongClock: skewed.has(index),
      });
    this.#devices = [
      ...ids.map((_, index) => device(index, "")),
      ...[...cloned].map((index) => device(index, "-copy")),
    ];
    this.#wheel.start();
    for (const one of this.#devices) one.start();
  }

  /** Connections begun and not yet let in. */
  get connecting(): number {
    return this.#entrance?.inside ?? 0;
  }

  /** Agents altogether: clones count. */
  get size(): number {
    return this.#devices.length;
  }

  /** The device is away for so many milliseconds, as one that is switched off. */
  sleep(id: string, ms: number): void {
    this.#devices[this.#options.ids.indexOf(id)]?.restart(ms, "without a word");
  }

  /** Batches that are late by now: those that were acknowledged late, and those that still wait. */
  get late(): number {
    const now = this.#options.clock.monotonic();
    return this.#devices.reduce((sum, device) => sum + device.overdue(now), this.tally.late);
  }

  /** Samples no more, and sends what is left. */
  finish(): void {
    for (const device of this.#devices) device.finish();
  }

  /** Sends what is left, publishes every death, disconnects, and waits until the broker has closed the connections. */
  async stop(reason = "stopped"): Promise<void> {
    this.finish();
    await this.#within(farewell.batches, this.tally.settled());
    for (let at = 0; at < this.#devices.length; at += goodbyesAtOnce) {
      for (const device of this.#devices.slice(at, at + goodbyesAtOnce)) device.leave(reason);
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.#wheel.stop();
    const closed = Promise.all(this.#devices.map((device) => device.closing));
    await this.#within(farewell.close, closed);
    for (const device of this.#devices) device.drop();
    await closed;
  }

  async #within(ms: number, work: Promise<unknown>): Promise<void> {
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => (cancel = this.#options.clock.after(ms, resolve)));
    await Promise.race([work, late]);
    cancel();
  }

  #world(): World {
    const { clock, host, port, tls, secret, root, interval, batchSize, seed, faults, rate } = this.#options;
    const { keepalive = 60, releases } = this.#options;
    return {
      clock,
      wheel: this.#wheel,
      wire: new Wire(),
      entrance: (this.#entrance = new Entrance({ clock, wheel: this.#wheel, rate })),
      tally: this.tally,
      topics: new Topics(root),
      console: new HeardConsole(clock),
      host,
      port,
      secure: tls && createSecureContext({ minVersion: "TLSv1.2", ...(tls.ca ? { ca: [...tls.ca] } : {}) }),
      secret,
      interval,
      batchSize,
      keepalive,
      releases,
      seed: seedOf(seed),
      flapEvery: faults.flap.every,
      began: clock.monotonic(),
      started: clock.now(),
      failed: (id, error, refused) => this.#failure(id, error, refused),
    };
  }

  /** What nobody can mend by waiting ends it, or the one device that it is about; anything else is told once and tried again. */
  #failure(id: string, error: Error, refused: boolean): void {
    const { host, port, tls, clock, log } = this.#options;
    const where = `the broker at ${host}:${port}`;
    const trouble = tls && certificateTrouble(error, clock.now());
    if (refused && (this.tally.connects === 0 || this.tally.turnedAway === this.size)) {
      this.#fail(
        new EnvironmentError(
          `${where} does not let ${id} in: ${error.message}. Is it the broker of the console whose data directory has the accounts (MUSTER_DATA)? Mosquitto reads new accounts on "kill -HUP"`,
        ),
      );
    } else if (refused) {
      log.warn(
        { device: id, err: error },
        "a device is let in no more, as one that was removed or retired: it drops out, and the others go on",
      );
    } else if (this.tally.connects === 0 && trouble !== undefined) {
      this.#fail(new EnvironmentError(`${where} cannot be trusted: ${trouble}`, { cause: error }));
    } else if (this.tally.connects === 0 && errorCode(error) !== undefined) {
      this.#fail(
        new EnvironmentError(`${where} cannot be reached; start Muster first: npx muster start`, { cause: error }),
      );
    } else if (!this.#told) {
      this.#told = true;
      log.warn({ device: id, err: error }, "a device cannot connect; it is tried again, and further ones are not told");
    }
  }
}
