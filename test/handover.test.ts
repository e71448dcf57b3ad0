import { existsSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock, type Clock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { openState } from "../console/state/state.ts";
import { openForReading } from "../console/database/database.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const secrets = { sensor: "a sensor's secret that nobody has", ann: "correct horse battery" } as const;
/** Milliseconds that a publisher waits for its PUBACK; it tries every other thing again at once. */
const deadline = 10_000;
const restless: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms === deadline ? ms : 3, run),
};

/** Somebody who publishes all the time at QoS 1, a few at once, and knows what was acknowledged. */
class Tireless {
  readonly acknowledged = new Set<number>();
  readonly #link: Link;
  readonly #publish: (n: number) => [topic: string, payload: string];
  #sent = 0;
  #going = true;
  readonly #streams: Promise<void>[];

  constructor(who: keyof typeof secrets, port: number, publish: (n: number) => [topic: string, payload: string]) {
    this.#publish = publish;
    this.#link = new Link({
      url: `mqtt://127.0.0.1:${port}`,
      clientId: who,
      username: who,
      password: secrets[who],
      version: 4,
      publishDeadline: deadline,
      log: silentLog,
      clock: restless,
    });
    this.#link.start();
    this.#streams = Array.from({ length: 4 }, () => this.#stream());
  }

  async stop(): Promise<void> {
    this.#going = false;
    await this.#link.stop();
    await Promise.all(this.#streams);
  }

  async #stream(): Promise<void> {
    while (this.#going) {
      const n = (this.#sent += 1);
      const [topic, payload] = this.#publish(n);
      try {
        await this.#link.publish(topic, Buffer.from(payload));
        this.acknowledged.add(n);
      } catch {
        // No connection, or it went before the acknowledgement: nothing was promised.
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}

/** A data directory, and what of it stands where after `muster start` has ended. */
async function place(scope: Scope, more: Record<string, string> = {}) {
  const directory = join(await scope.directory(), "data");
  const state = openState(directory, systemClock);
  state.accounts.set("sensor", "device", secrets.sensor);
  state.accounts.set("ann", "operator", secrets.ann);
  state.close();
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const env = {
    MUSTER_DATA: directory,
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
    ...more,
  };
  const column = (file: string, sql: string): string[] => {
    if (!existsSync(join(directory, file))) return [];
    const database = openForReading(join(directory, file));
    try {
      return (database.prepare(sql).all() as { one: string }[]).map(({ one }) => one);
    } finally {
      database.close();
    }
  };
  return {
    mqttPort,
    start: () => new Running(scope, ...musterProgram(["start"]), { env }),
    /** The samples that are in the store or wait for it, by their number. */
    samples: (): Set<number> =>
      new Set([
        ...column(
          "metrics.db",
          "SELECT json_extract(fields, '$.n') AS one FROM samples WHERE json_extract(fields, '$.n') > 0",
        ).map(Number),
        ...column("spool.db", "SELECT CAST(payload AS TEXT) AS one FROM messages").map(
          (text) => (JSON.parse(text) as { n: number }).n,
        ),
      ]),
    commands: (): Set<number> => new Set(column("muster.db", "SELECT id AS one FROM commands").map(Number)),
  };
}

/** An InfluxDB that takes connections and never says a word. */
async function mute(scope: Scope): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet`;
}

suite("what a broker acknowledges has a taker", ({ test }) => {
  for (const { store, rounds, settings } of [
    { store: "the embedded store", rounds: 2, settings: async () => ({}) },
    {
      store: "an InfluxDB that hangs",
      rounds: 1,
      settings: async (scope: Scope) => ({ MUSTER_INFLUX_URL: await mute(scope) }),
    },
  ])
    test(
      `through start and stop, with ${store}`,
      async (scope) => {
        const { mqttPort, start, samples, commands } = await place(scope, await settings(scope));
        const sensor = new Tireless("sensor", mqttPort, (n) => ["muster/sensor/metrics/room", `{"n":${n}}`]);
        const ann = new Tireless("ann", mqttPort, (n) => ["muster/sensor/cmd", `{"key":"ping","id":"${n}"}`]);
        scope.cleanup(() => Promise.all([sensor.stop(), ann.stop()]));
        for (let round = 1; round <= rounds; round++) {
          const before = [sensor, ann].map(({ acknowledged }) => acknowledged.size);
          const running = start();
          await eventually("acknowledgements", () =>
            [sensor, ann].every(({ acknowledged }, at) => acknowledged.size > (before[at] ?? 0) + 30),
          );
          assert.is(await running.kill("SIGTERM"), 0);
        }
        await Promise.all([sensor.stop(), ann.stop()]);
        const lost = (acknowledged: Set<number>, found: Set<number>): number[] =>
          [...acknowledged].filter((n) => !found.has(n));
        assert.is(lost(sensor.acknowledged, samples()).join(" "), "", "samples");
        assert.is(lost(ann.acknowledged, commands()).join(" "), "", "commands");
      },
      { seconds: 60 },
    );
});
