import { InfluxDB, type IPoint } from "influx";
import mqtt from "mqtt";
import { answer, ready, settingsOfChild } from "./children.ts";

/** What people write without Muster: a subscriber that parses JSON and hands points to the influx package in batches. */
const { url, port, gatherFor } = settingsOfChild<{
  url: string;
  port: number;
  /** Milliseconds after which points are written that are fewer than a batch. */
  gatherFor?: number;
}>();
const influx = new InfluxDB({ host: "127.0.0.1", port, database: "fleet" });
const client = await mqtt.connectAsync(url);
const batchSize = 5_000;
let gathered: IPoint[] = [];
let received = 0;
const writes = new Set<Promise<void>>();

function flush(): void {
  if (gathered.length === 0) return;
  const write = influx.writePoints(gathered, { precision: "ms" });
  gathered = [];
  writes.add(write);
  void write.then(() => writes.delete(write));
}

if (gatherFor) setInterval(flush, gatherFor);
client.on("message", (topic, payload) => {
  const { ts, unit, ...fields } = JSON.parse(payload.toString()) as { ts: number; unit: string };
  const [, host = "", measurement = ""] = topic.split("/");
  gathered.push({ measurement, tags: { host, unit }, fields, timestamp: ts });
  if (gathered.length >= batchSize) flush();
  // Told so that the publisher never has more on the way than Mosquitto keeps for one subscriber.
  if (++received % 100 === 0) process.send?.({ received });
});
await client.subscribeAsync("devices/#", { qos: 0 });
answer(async ({ finish }: { finish?: boolean }) => {
  if (finish) {
    flush();
    await Promise.all(writes);
  }
  const { user, system } = process.cpuUsage();
  return { cpu: user + system, rss: process.memoryUsage.rss() };
});
ready();
