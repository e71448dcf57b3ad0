import { draw } from "./random.ts";

const hour = 3_600_000;
const year2036 = Date.UTC(2036, 1, 7, 6, 28, 16);

/**
 * How far the wall clock of a device is off, in ms, `elapsed` ms after the simulation's start at `started` (epoch ms). Of five
 * kinds, by the seed: since 1970 without a battery; 2036, where NTP's first era ends; some hours off; 1970 until the first
 * sync, a while after the start; and steps of an hour, forth and back, once a minute or so.
 */
export function clockError(seed: number, started: number, elapsed: number): number {
  const amount = draw(seed, 2);
  switch (Math.floor(draw(seed, 1) * 5)) {
    case 0:
      return -started;
    case 1:
      return year2036 - started;
    case 2:
      return Math.round((amount < 0.5 ? -1 : 1) * (1 + 11 * draw(seed, 3)) * hour);
    case 3:
      return elapsed < 20_000 + 40_000 * amount ? -started : 0;
    default:
      return Math.floor(elapsed / (30_000 + 60_000 * amount)) % 2 === 0 ? 0 : hour;
  }
}
