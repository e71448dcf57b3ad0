import { answer, ready, settingsOfChild } from "./children.ts";
import type { CrowdAnswer, CrowdQuestion } from "./crowd.ts";
import { deviceName } from "./ingest-load.ts";
import { simulatedDevices } from "./simulated-devices.ts";

/** All the simulated agents, in one process. */
const { devices, port, secret, interval, rate } = settingsOfChild<{
  devices: number;
  port: number;
  secret: string;
  interval: number;
  rate: number;
}>();
const ids = Array.from({ length: devices }, (_, index) => deviceName(index));
const sim = simulatedDevices({ ids, secret, port, interval, rate, seed: "crowd" });
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
