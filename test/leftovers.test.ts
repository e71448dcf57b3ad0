import { connectAsync } from "mqtt";
import * as assert from "uvu/assert";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { startFleet, type Fleet } from "./fleet.ts";
import { connectRaw } from "./raw-device.ts";
import { eventually, suite } from "./suite.ts";

const device = parseDeviceId("rpi-7");

for (const [broker, kind, mqttVersion] of [
  ["the embedded broker", "embedded", 4],
  ["mosquitto, by MQTT 5", "mosquitto", "auto"],
  ["mosquitto, by MQTT 3.1.1", "mosquitto", 4],
] as const) {
  // A broker hands a live message over without the flag, unless it speaks MQTT 5 or lives in our process.
  const seesTheFlag = kind === "embedded" || mqttVersion === "auto";

  suite(`what is retained where nothing should be, at ${broker}`, ({ test }) => {
    for (const qos of ["0", "1"])
      test(`a short command at QoS ${qos} is cleared, answered with the line that works, and fires at no start`, async (scope) => {
        const fleet = await startFleet(scope, kind, kind === "mosquitto" ? { mqttVersion } : {});
        await fleet.agent();
        const refused = await fleet.sub(scope, "-t", "muster/+/refused");
        await fleet.pub("-r", "-q", qos, "-t", "muster/rpi-7/cmd", "-m", "ping");
        if (!seesTheFlag) {
          await eventually("its one run", () => fleet.console.desk.list({ device }).length === 1);
          await restart(fleet);
        }
        const said = await refused.line(/^muster\/rpi-7\/refused/);
        const { why, try: line } = JSON.parse(said.replace(/^\S+ /, "")) as { why: string; try: string };
        assert.match(why, /a retained message on cmd comes again at every start .* neither carried out nor kept/);
        const expected = /^mosquitto_pub -r -t muster\/rpi-7\/cmd\/(\S+) -m ping$/;
        assert.match(line, expected);
        await eventually("nothing retained", async () => (await retained(fleet, "muster/+/cmd")).length === 0);
        assert.is(fleet.console.desk.list({ device }).length, seesTheFlag ? 0 : 1);

        const [, id = ""] = expected.exec(line) ?? [];
        await fleet.pub(...line.split(" ").slice(1));
        await eventually("its end", () => fleet.console.desk.find(device, parseCommandId(id))?.state === "succeeded");
      });
  });
}

suite("what devices leave at mosquitto", ({ test }) => {
  test("samples and replies are taken and cleared, unreadable ones and strange topics cleared; what belongs there stays", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const raw = await connectRaw(scope, { url: fleet.url, device, password: fleet.secretOf(device) });
    const leave = (branch: string, payload: string): Promise<void> => raw.leave(`muster/rpi-7/${branch}`, payload);
    await leave("status", JSON.stringify({ v: 1, online: false, boot: "b", session: "s", reason: "left" }));
    await leave("metrics/room", '{"temperature":21.5}');
    await leave("metrics/room", "no JSON");
    await leave("metrics", "no batch");
    await leave("reply/42", '{"id":"42","ts":1,"state":"succeeded"}');
    await leave(`metrics/${"a".repeat(300)}`, "{}");
    await eventually(
      "only the status",
      async () => (await retained(fleet, "muster/rpi-7/#")).join() === "muster/rpi-7/status",
    );
    await eventually("the sample", async () => (await samples(fleet)).length === 1);
  });

  test("a device that makes up a topic for each message leaves none", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const raw = await connectRaw(scope, { url: fleet.url, device, password: fleet.secretOf(device) });
    const strange = "~".repeat(1_000);
    const topics = Array.from({ length: 2_000 }, (_, at) => `muster/rpi-7/metrics/${strange}${at}`);
    await Promise.all(topics.map((topic) => raw.leave(topic, "x")));
    await eventually("nothing retained", async () => (await retained(fleet, "muster/+/metrics/#")).length === 0);
  });

  test("what an operator leaves below a name that no device has goes with the console's next connection", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    for (const topic of ["muster/Rpi-7/cmd/42", "muster/console/cmd/42", "muster/rpi-7/cmd/no id"])
      await fleet.pub("-q", "1", "-r", "-t", topic, "-m", "ping");
    assert.is((await retained(fleet, "muster/+/cmd/+")).length, 3);
    await restart(fleet);
    await eventually("nothing retained", async () => (await retained(fleet, "muster/+/cmd/+")).length === 0);
  });
});

for (const [by, mqttVersion] of [
  ["MQTT 5", "auto"],
  ["MQTT 3.1.1", 4],
] as const)
  suite(`retained samples at mosquitto, by ${by}`, ({ test }) => {
    test("a copy without a time is neither new nor a sign of life; one with its own is stored there, once", async (scope) => {
      const fleet = await startFleet(scope, "mosquitto", { mqttVersion, history: { maxAge: 1e13, maxBytes: 1e8 } });
      const raw = await connectRaw(scope, { url: fleet.url, device, password: fleet.secretOf(device) });
      const refused = await fleet.sub(scope, "-t", "muster/+/refused");
      await fleet.console.stop();
      await raw.leave("muster/rpi-7/metrics/room", '{"temperature":21.5}');
      await raw.leave("muster/rpi-7/metrics/hall", '{"temperature":21.5,"ts":60000}');
      await raw.leave("muster/rpi-7/metrics/room/old", '[{"temperature":1,"ts":1735689600},{"temperature":2}]');
      for (let start = 0; start < 2; start++) {
        await fleet.console.start();
        await eventually("nothing retained", async () => (await retained(fleet, "muster/+/metrics/#")).length === 0);
        await eventually("the sample", async () => (await samples(fleet)).length === 1);
        assert.equal(await samples(fleet), [[1_735_689_600_000, 1]]);
        assert.is(fleet.console.registry.get(device)?.lastSeen ?? null, null);
        await fleet.console.stop();
      }
      for (const path of ["room", "hall"]) {
        const said = await refused.line(new RegExp(`"topic":"muster/rpi-7/metrics/${path}"`));
        assert.match(said, /a retained sample without a time of its own is neither new nor a sign of life/);
      }
    });

    test("what is sent with the flag while the console listens is stored as it comes", async (scope) => {
      const fleet = await startFleet(scope, "mosquitto", { mqttVersion });
      const raw = await connectRaw(scope, { url: fleet.url, device, password: fleet.secretOf(device) });
      const before = Date.now();
      // The console's own presence has come back to it by then.
      await eventually("its presence", async () => (await retained(fleet, "muster/console/status")).length === 1);
      for (const temperature of [1, 2]) {
        await raw.leave("muster/rpi-7/metrics/room", JSON.stringify({ temperature }));
        await eventually("the sample", async () => (await samples(fleet)).length === temperature);
      }
      assert.equal(
        (await samples(fleet)).map(([, value]) => value),
        [1, 2],
      );
      assert.ok((fleet.console.registry.get(device)?.lastSeen ?? 0) >= before);
      if (mqttVersion === "auto")
        await eventually("nothing retained", async () => (await retained(fleet, "muster/+/metrics/#")).length === 0);
    });
  });

/** A console that has been stopped and started, with the same broker and data. */
async function restart(fleet: Fleet): Promise<void> {
  await fleet.console.stop();
  await fleet.console.start();
  await eventually("the console's connection", () => fleet.console.brokerConnected);
}

async function samples({ console }: Fleet): Promise<(readonly [number, unknown])[]> {
  const asked = { device, measurement: "room", field: "temperature", from: 0, to: Date.now() + 1_000, every: 0 };
  return (await console.store.query(asked)).flatMap(({ points }) => points);
}

/** The topics of which a new subscriber is given a message at once. */
async function retained(fleet: Fleet, filter: string): Promise<string[]> {
  const username = "vic";
  const login = { username, password: fleet.secretOf(username), clientId: `${username}-looks` };
  const client = await connectAsync(fleet.url, { ...login, protocolVersion: 4, reconnectPeriod: 0 });
  try {
    const found: string[] = [];
    client.on("message", (topic, _payload, packet) => void (packet.retain && found.push(topic)));
    await client.subscribeAsync(filter, { qos: 0 });
    // What was retained comes before the answer to the next request; a breath for brokers that do not keep the order.
    await client.subscribeAsync("muster/console/none", { qos: 0 });
    await new Promise((resolve) => setTimeout(resolve, 10));
    return found.sort();
  } finally {
    await client.endAsync(true);
  }
}
