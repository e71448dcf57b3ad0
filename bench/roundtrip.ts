import mqtt from "mqtt";
import { othersAreBuilt } from "../test/brokers.ts";
import { startFleet, type BrokerKind } from "../test/fleet.ts";
import { startDefaultMosquitto } from "../test/mosquitto.ts";
import { startTls } from "../test/tls.ts";
import { BenchScope, endChild, startChild } from "./children.ts";
import { httpRoundTrips } from "./http-roundtrip.ts";
import { percentile, toMarkdown, type Row } from "./table.ts";
import { timesOf, type Taken } from "./times.ts";

/** Rounds that count. The plain one takes 88 ms a round, so it gets fewer. */
const rounds = { muster: 2_000, plain: 200 };

export interface RoundTrips {
  readonly kind: BrokerKind;
  readonly ledger: "disk" | "memory";
  /** The agent comes by TLS. */
  readonly tls?: boolean;
  readonly count?: number;
}

/** Command round trips, one after the other: row, retained task, reply, row, withdrawal; the agent in a process of its own. */
export async function roundTrips({ kind, ledger, tls = false, count = rounds.muster }: RoundTrips): Promise<Taken> {
  const scope = new BenchScope();
  try {
    const shown = tls ? await startTls(scope) : undefined;
    const ca = shown?.authority.caBundle();
    const fleet = await startFleet(scope, kind, {}, shown && { identity: shown.identity, bundle: ca ?? "" });
    const login = fleet.login("rpi-7");
    const child = await startChild("agent-child.ts", {
      device: "rpi-7",
      url: tls ? fleet.tlsUrl : fleet.url,
      ca,
      password: login[login.indexOf("-P") + 1],
      mqttVersion: kind === "embedded" ? 4 : "auto",
      ...(ledger === "disk" ? { directory: await scope.directory() } : {}),
    });
    scope.cleanup(() => endChild(child));
    await fleet.sees("rpi-7", true);
    return await timesOf(count, async () => void (await fleet.console.send("rpi-7", { key: "ping" })));
  } finally {
    await scope.end();
  }
}

/** Plain mqtt.js on both sides of a Mosquitto as it comes: no row, no retained task, no withdrawal. */
async function plain(): Promise<Taken> {
  const scope = new BenchScope();
  try {
    const { url } = await startDefaultMosquitto(scope);
    const child = await startChild("responder-child.ts", { url });
    scope.cleanup(() => endChild(child));
    const client = mqtt.connect(url);
    scope.cleanup(() => client.endAsync(true));
    await client.subscribeAsync("device/reply/+", { qos: 1 });
    let id = 0;
    return await timesOf(rounds.plain, async () => {
      id += 1;
      const answered = new Promise<void>((resolve) => client.once("message", () => resolve()));
      void client.publishAsync(`device/cmd/${id}`, '{"key":"ping"}', { qos: 1 });
      await answered;
    });
  } finally {
    await scope.end();
  }
}

const muster = (kind: BrokerKind, ledger: RoundTrips["ledger"]): Promise<Taken> => roundTrips({ kind, ledger });

export async function roundTrip(): Promise<string> {
  const runs: [string, Taken][] = [
    ["Muster, embedded broker", await muster("embedded", "memory")],
    ["the same, with the agent's ledger: two syncs to disk a command", await muster("embedded", "disk")],
    ["Muster, Mosquitto with the shipped mosquitto.conf", await muster("mosquitto", "memory")],
    ...(othersAreBuilt()
      ? ([
          ["Muster, NATS", await muster("nats", "memory")],
          ["Muster, mochi", await muster("mochi", "memory")],
        ] satisfies [string, Taken][])
      : []),
    ["Muster, embedded broker, by HTTP to the agent's file and back, with its ledger", await httpRoundTrips()],
    ["plain mqtt.js, Mosquitto as it comes", await plain()],
  ];
  const reference = percentile(runs.at(-1)?.[1].times ?? [], 0.5);
  const rows = runs.map(([what, { times, cpu }], at): Row => {
    const p50 = percentile(times, 0.5);
    const figures = {
      "p50 ms": p50.toFixed(2),
      "p99 ms": percentile(times, 0.99).toFixed(2),
      "plain / this": (reference / p50).toFixed(1),
      ...(at < runs.length - 1 ? { "CPU ms, console": (cpu / 1_000).toFixed(2) } : {}),
    };
    return { what, figures };
  });
  return toMarkdown(`Command round trip, QoS 1, one after the other`, rows);
}
