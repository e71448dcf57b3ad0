import mqtt from "mqtt";
import { Topics } from "#shared/topics";
import { freePort, startDefaultMosquitto } from "../test/mosquitto.ts";
import { BenchScope, endChild, startChild } from "./children.ts";
import { toMarkdown, type Row } from "./table.ts";

const publishers = 100;
const milliseconds = 5_000;

/** QoS 0 messages a second that reach one subscriber over a socket while 100 publishers send as fast as they can. */
async function delivered(kind: "muster" | "aedes" | "mosquitto"): Promise<number> {
  const scope = new BenchScope();
  try {
    const port = await startBroker(kind, scope);
    const subscriber = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
      clientId: "watcher",
      username: "watcher",
      password: "secret",
      protocolVersion: 4,
    });
    scope.cleanup(() => subscriber.endAsync(true));
    let count = 0;
    subscriber.handleMessage = (_, done) => {
      count += 1;
      done();
    };
    await subscriber.subscribeAsync(new Topics().filter("metrics"), { qos: 0 });
    const flood = await startChild("flood-child.ts", { port, publishers });
    scope.cleanup(() => endChild(flood));
    flood.send("go");
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const [before, began] = [count, performance.now()];
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    return ((count - before) * 1_000) / (performance.now() - began);
  } finally {
    await scope.end();
  }
}

async function startBroker(kind: "muster" | "aedes" | "mosquitto", scope: BenchScope): Promise<number> {
  if (kind === "mosquitto") return (await startDefaultMosquitto(scope)).port;
  const port = await freePort();
  const child = await startChild("broker-child.ts", { kind, port });
  scope.cleanup(() => endChild(child));
  return port;
}

export async function overload(): Promise<string> {
  const runs: [string, number][] = [
    ["Muster, embedded broker", await delivered("muster")],
    ["Aedes as it comes", await delivered("aedes")],
    ["Mosquitto as it comes", await delivered("mosquitto")],
  ];
  const stock = runs[1]?.[1] ?? Number.NaN;
  const rows = runs.map(([what, rate]): Row => ({
    what,
    figures: { "messages/s": rate.toFixed(0), "times stock Aedes": (rate / stock).toFixed(1) },
  }));
  return toMarkdown(`QoS 0 overload, ${publishers} publishers → 1 socket subscriber`, rows);
}
