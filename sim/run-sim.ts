import type { Clock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import type { Lifetime } from "#shared/lifetime";
import { progressLine, summary } from "./sim-report.ts";
import { Sim, type SimOptions } from "./sim.ts";

/** Milliseconds until the first line of progress, and between two. */
const progress = { first: 1_000, every: 5_000 };

/**
 * Runs a simulation with a line every few seconds, until its duration is over or `lifetime` ends; then says goodbye and sums up.
 * @throws EnvironmentError when the broker is away or does not let the devices in
 */
export async function runSim(
  options: SimOptions,
  { duration, lifetime }: { readonly duration?: string; readonly lifetime: Lifetime },
): Promise<void> {
  const { clock } = options;
  const out = (text: string): void => void process.stdout.write(`${text}\n`);
  const sim = new Sim(options);
  const began = clock.monotonic();
  const over = duration === undefined ? Infinity : parseDuration(duration, "--duration");
  lifetime.add(async () => {
    await sim.stop();
    if (sim.tally.connects > 0) out(summary(sim, clock.monotonic() - began));
  });
  sim.start();
  lifetime.add(nowAndThen(clock, () => out(progressLine(sim, clock.now()))));
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    lifetime.add(resolve);
    const end = (): void => {
      isOver = true;
      resolve();
    };
    if (over !== Infinity) lifetime.add(clock.after(over, end));
  });
  await Promise.race([ended, sim.failed]);
  // Ended by a signal, it is being stopped already.
  if (isOver) await lifetime.stop();
}

/** Calls `tell` now and then. @returns how to end that */
function nowAndThen(clock: Clock, tell: () => void): () => void {
  let cancel: () => void;
  const arm = (ms: number): void => {
    cancel = clock.after(ms, () => {
      arm(progress.every);
      tell();
    });
  };
  arm(progress.first);
  return () => cancel();
}
