import { Agent, request } from "node:http";
import { answer, ready, settingsOfChild } from "./children.ts";
import { deviceName, linesOf, type Load } from "./ingest-load.ts";

/** A plain HTTP writer: the same lines in the same order, built before the clock starts, 5,000 a POST over 4 connections. */
const { load, url } = settingsOfChild<{ load: Load; url: string }>();
const linesPerRequest = 5_000;
const connections = 4;
const agent = new Agent({ keepAlive: true, maxSockets: connections });
const warm = bodies(0, load.warm);
const measured = bodies(load.warm, load.batches);

function bodies(from: number, to: number): Buffer[] {
  const made: Buffer[] = [];
  let [text, lines] = ["", 0];
  const cut = (): void => {
    if (lines > 0) made.push(Buffer.from(text));
    [text, lines] = ["", 0];
  };
  for (let index = from; index < to; index++) {
    for (let device = 0; device < load.devices; device++) {
      text += linesOf(load, deviceName(device), index);
      lines += load.series * load.instants;
      if (lines + load.series * load.instants > linesPerRequest) cut();
    }
  }
  cut();
  return made;
}

function post(body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const sending = request(`${url}/write?db=fleet&precision=ms`, { method: "POST", agent }, (response) => {
      response.resume().on("end", () => {
        if (response.statusCode === 204) resolve();
        else reject(new Error(`InfluxDB answers ${response.statusCode}`));
      });
    });
    sending.on("error", reject);
    sending.end(body);
  });
}

async function blast(list: readonly Buffer[]): Promise<void> {
  let next = 0;
  const line = async (): Promise<void> => {
    for (let body = list[next++]; body; body = list[next++]) await post(body);
  };
  await Promise.all(Array.from({ length: connections }, line));
}

answer(async ({ until }: { until: number }) => {
  const [began, used] = [performance.now(), process.cpuUsage()];
  await blast(until === load.warm ? warm : measured);
  const { user, system } = process.cpuUsage(used);
  return { ms: performance.now() - began, cpu: user + system };
});
ready();
