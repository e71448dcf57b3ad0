import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { noFaults } from "../sim/faults.ts";
import { Sim } from "../sim/sim.ts";
import { answer, ready, settingsOfChild } from "./children.ts";
import type { CrowdAnswer, CrowdQuestion } from "./crowd.ts";
import { deviceName } from "./ingest-load.ts";

/** All the simulated agents, in one process. */
const { devices, port, secret, interval, rate } = settingsOfChild<{
  devices: number;
  port: number;
  secret: string;
  interval: number;
  rate: number;
}>();
const sim = new Sim({
  ids: Array.from({ length: devices }, (_, index) => deviceName(index)),
  secret,
  host: "127.0.0.1",
  port,
  root: "muster",
  interval,
  batchSize: 1,
  seed: "crowd",
  faults: noFaults,
  rate,
  clock: systemClock,
  log: silentLog,
});
sim.failed.catch((error: Error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

answer(async ({ what }: CrowdQuestion): Promise<CrowdAnswer> => {
  if (what === "start") sim.start();
  if (what === "finish") await sim.stop();
  const { user, system } = process.cpuUsage();
  const { connected, samples, sent, acked, resent, lost } = sim.tally;
  const p99 = sim.tally.percentile(0.99);
  return {
    cpu: user + system,
    rss: process.memoryUsage.rss(),
    connected,
    samples,
    sent,
    acked,
    resent,
    lost,
    late: sim.late,
    p99,
  };
});
ready();
