import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { startInflux } from "../test/influx.ts";
import { startDefaultMosquitto } from "../test/mosquitto.ts";
import type { Bundle } from "../test/bundle.ts";
import { ask, BenchScope, endChild, startChild } from "./children.ts";
import { cpuOf } from "./cpu.ts";

/** How many there are and what they do. */
export interface CrowdOf {
  readonly devices: number;
  /** Milliseconds between two batches of one. */
  readonly interval: number;
  /** Connections begun in a second. */
  readonly rate: number;
  /** Milliseconds after the last connection, and then seconds in which CPU is measured: two batches of each. */
  readonly settling: number;
  readonly counted: number;
}

/** Microseconds of CPU while it was measured, and bytes of memory that were taken since nobody was connected. */
export interface Spent {
  readonly cpu: number;
  readonly rss: number;
}

/**
 * The same connections and values without Muster: Mosquitto as it comes, and one subscriber that writes with the influx package once a
 * second. Nothing is acknowledged, nobody has a secret of its own, and nobody knows who is there.
 */
export async function plainCrowd(
  built: Bundle,
  { devices, interval, rate, settling, counted }: CrowdOf,
): Promise<Spent> {
  const scope = new BenchScope();
  try {
    const influx = await startInflux(scope);
    await influx.shell("CREATE DATABASE fleet");
    const mosquitto = await startDefaultMosquitto(scope);
    const subscriber = await startChild(built.path("plain"), {
      url: mosquitto.url,
      port: influx.port,
      gatherFor: 1_000,
    });
    scope.cleanup(() => endChild(subscriber));
    const publishers = await startChild(built.path("publishers"), { devices, port: mosquitto.port, interval, rate });
    scope.cleanup(() => endChild(publishers));
    // It says how many it has got from time to time, which an answer would be mistaken for.
    const pid = subscriber.pid ?? 0;
    const look = () => ({ cpu: cpuOf(mosquitto.pid) + cpuOf(pid), rss: residentOf(mosquitto.pid) + residentOf(pid) });
    const before = look();
    await ask(publishers, {});
    await pause(settling);
    const from = look();
    await pause(counted * 1_000);
    const to = look();
    return { cpu: to.cpu - from.cpu, rss: to.rss - before.rss };
  } finally {
    await scope.end();
  }
}

/** Bytes of another process that are in memory. */
function residentOf(pid: number): number {
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kilobytes) * 1_024;
}
