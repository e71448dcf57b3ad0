import { pack, type Column } from "#shared/columns";
import type { Measurement } from "#shared/messages/metrics";
import { draw } from "./random.ts";

/** One machine at one instant; every value is a function of these, so that a batch can be made again instead of kept. */
interface Moment {
  readonly seed: number;
  /** Epoch ms. */
  readonly at: number;
  /** Seconds since the machine started. */
  readonly up: number;
  /** 0 … 1 */
  readonly busy: number;
  /** Whether something takes most of its memory. */
  readonly hungry: boolean;
}

interface Series {
  readonly n: string;
  readonly tags?: Record<string, string>;
  readonly f: Readonly<Record<string, (moment: Moment) => number>>;
}

const day = 86_400;
const gibibyte = 2 ** 30;

/** What real agents send of a small machine, in fewer fields: the names and units of docs/metrics.md. */
const all: readonly Series[] = [
  {
    n: "cpu",
    tags: { cpu: "cpu-total" },
    f: {
      usage_user: (m) => round(70 * m.busy, 1),
      usage_system: (m) => round(15 * m.busy + noise(m, 1), 1),
      usage_iowait: (m) => round(3 * noise(m, 2) * m.busy, 1),
      usage_idle: (m) => round(99 - 85 * m.busy - noise(m, 1) - 3 * noise(m, 2) * m.busy, 1),
    },
  },
  {
    n: "mem",
    f: {
      total: memory,
      used: (m) => page(memory(m) * memoryUsed(m)),
      available: (m) => memory(m) - page(memory(m) * memoryUsed(m)),
      free: (m) => page(memory(m) * (1 - memoryUsed(m)) * 0.4),
      used_percent: (m) => round(100 * memoryUsed(m), 2),
    },
  },
  {
    n: "disk",
    tags: { path: "/", device: "mmcblk0p2", fstype: "ext4", mode: "rw" },
    f: {
      total: disk,
      used: (m) => page(disk(m) * diskUsed(m)),
      free: (m) => disk(m) - page(disk(m) * diskUsed(m)),
      used_percent: (m) => round(100 * diskUsed(m), 2),
    },
  },
  {
    n: "net",
    tags: { interface: "eth0" },
    f: {
      bytes_recv: (m) => counter(m, 3, 2_000, 400_000),
      bytes_sent: (m) => counter(m, 4, 1_000, 90_000),
      packets_recv: (m) => counter(m, 5, 5, 500),
      packets_sent: (m) => counter(m, 6, 3, 300),
      err_in: (m) => Math.floor(m.up / (3_600 + 100_000 * draw(m.seed, 7))),
      err_out: () => 0,
    },
  },
  {
    n: "system",
    f: {
      load1: (m) => round(cores(m) * (1.2 * m.busy + 0.2 * noise(m, 8)), 2),
      load5: (m) => round(cores(m) * 1.2 * m.busy, 2),
      load15: (m) => round(cores(m) * 1.2 * busyAt(m.seed, m.at, 900), 2),
      n_cpus: cores,
      uptime: (m) => Math.floor(m.up),
    },
  },
];

/**
 * What the machine of `seed` measures at `times` (epoch ms): a day's rise and fall, shorter waves and noise.
 * @param started epoch ms of the simulation's start; the machine has been up for some days by then
 */
export function measurementsOf(seed: number, started: number, times: readonly number[], hungry = false): Measurement[] {
  const upBefore = draw(seed, 20) * 30 * day;
  const moments = times.map((at) => ({
    seed,
    at,
    up: upBefore + (at - started) / 1_000,
    busy: busyAt(seed, at, 10),
    hungry,
  }));
  return all.map(({ n, tags, f }) => {
    const columns: Record<string, Column> = {};
    for (const name in f) columns[name] = pack(moments.map(f[name]!));
    return { n, ...(tags ? { tags } : {}), f: columns };
  });
}

/** How busy the machine is: most in its afternoon. `slot` is how many seconds the noise stays the same. */
function busyAt(seed: number, at: number, slot: number): number {
  const seconds = at / 1_000;
  const base = 0.08 + 0.3 * draw(seed, 21);
  const daily = 0.5 * (1 + wave(seconds, day, draw(seed, 22) * 0.2 + 0.6));
  const hourly = wave(seconds, 3_600, draw(seed, 23));
  const chance = draw(seed, 24, seconds / slot);
  const burst = chance > 0.97 ? 0.3 : 0;
  return Math.min(1, Math.max(0.01, base + 0.3 * daily + 0.06 * hourly + 0.1 * (chance - 0.5) + burst));
}

/** −1 … 1; `phase` in turns. */
function wave(seconds: number, period: number, phase: number): number {
  return Math.sin(2 * Math.PI * (seconds / period + phase));
}

/** Never falls: its rate is the mean one times 1 plus waves that sum to less than 1; this is the integral. */
function counter({ seed, up }: Moment, part: number, least: number, most: number): number {
  const rate = least + (most - least) * draw(seed, part) ** 3;
  const swing = (period: number, share: number): number =>
    ((share * period) / (2 * Math.PI)) * (1 + wave(up, period, draw(seed, part, period)));
  return Math.floor(rate * (up + swing(day, 0.5) + swing(3_600, 0.2) + swing(417, 0.15) + swing(61, 0.1)));
}

function cores({ seed }: Moment): number {
  return [1, 2, 4, 4, 4, 8][Math.floor(draw(seed, 30) * 6)] ?? 4;
}

function memory({ seed }: Moment): number {
  return ([1, 2, 4, 4, 8, 16][Math.floor(draw(seed, 31) * 6)] ?? 4) * gibibyte;
}

function memoryUsed(m: Moment): number {
  if (m.hungry) return 0.97;
  return Math.min(0.97, 0.2 + 0.4 * draw(m.seed, 32) + 0.25 * busyAt(m.seed, m.at, 300));
}

function disk({ seed }: Moment): number {
  return ([16, 32, 32, 64, 128, 256][Math.floor(draw(seed, 33) * 6)] ?? 32) * 1e9;
}

/** Fills within weeks and is cleared then, as by a log rotation. */
function diskUsed({ seed, at }: Moment): number {
  const period = (7 + 30 * draw(seed, 34)) * day * 1_000;
  return 0.25 + 0.3 * draw(seed, 35) + 0.3 * ((at / period + draw(seed, 36)) % 1);
}

/** 0 … 1, for ten seconds the same. */
function noise({ seed, at }: Moment, part: number): number {
  return draw(seed, part, at / 10_000);
}

function page(bytes: number): number {
  return Math.floor(bytes / 4_096) * 4_096;
}

function round(value: number, places: number): number {
  return Number(value.toFixed(places));
}
