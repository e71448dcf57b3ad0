import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import * as assert from "uvu/assert";
import { createClient } from "#api/client";
import { statusOf } from "./checked-client.ts";
import { reloadByHand, reloadMosquitto } from "../broker/mosquitto-reload.ts";
import { freePort } from "./mosquitto.ts";
import { musterProgram, runProgram, Running, type Finished } from "./programs.ts";
import { eventually, suite, withDeadline, type Scope } from "./suite.ts";

/** Mosquitto as it is shipped, with the files that Muster writes, and Muster beside it. */
async function start(scope: Scope) {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const directory = join(await scope.directory(), "data");
  const env = {
    MUSTER_DATA: directory,
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_PORT: String(mqttPort),
    MUSTER_MQTT_URL: `mqtt://127.0.0.1:${mqttPort}`,
    MUSTER_DEVICE: "edge-1",
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  const muster = (...args: string[]): Promise<Finished> => runProgram(...musterProgram(args), { env });
  await muster("mosquitto");
  const conf = (await readFile("mosquitto.conf", "utf8"))
    .replace(/^listener 1883 /m, `listener ${mqttPort} `)
    .replaceAll("data/mosquitto/", `${directory}/mosquitto/`)
    .replace(/^#user root$/m, process.getuid?.() === 0 ? "user root" : "");
  const path = join(directory, "mosquitto.conf");
  await writeFile(path, conf);
  const broker = new Running(scope, "mosquitto", ["-v", "-c", path]);
  await broker.line(/mosquitto version .* running/);
  await new Running(scope, ...musterProgram(["start"]), { env }).line(/broker +external broker at .*, connected$/);
  const http = `http://127.0.0.1:${httpPort}`;
  const client = createClient({ url: http, login: "admin:correct horse" });
  const secretOf = async (name: string): Promise<string> =>
    /secret for MQTT (\S{27})/.exec((await muster("operator", name, "--mqtt")).out)?.[1] ?? "";
  const connect = async (username: string, password: string): Promise<MqttClient> => {
    const client = mqtt.connect(env.MUSTER_MQTT_URL, { username, password, reconnectPeriod: 0, clientId: username });
    scope.cleanup(() => client.endAsync(true));
    client.on("error", () => {});
    await withDeadline(
      new Promise<void>((resolve) => client.once("connect", () => resolve())),
      20,
      `${username}'s connection`,
    );
    return client;
  };
  return { muster, client, secretOf, connect };
}

const closing = (client: MqttClient): Promise<void> => new Promise((resolve) => client.once("close", () => resolve()));

suite("accounts that are taken away, at Mosquitto", ({ test }) => {
  test(
    "who is limited to groups gets what is of their devices, and the groups' changes are heard while the connection is open",
    async (scope) => {
      const { muster, client, secretOf, connect } = await start(scope);
      await muster("operator", "ann", "--role", "operator", "--group", "lab");
      const ann = await connect("ann", await secretOf("ann"));
      const heard: string[] = [];
      ann.on("message", (topic) => heard.push(topic));
      await ann.subscribeAsync(["muster/#"], { qos: 1 });
      await eventually("the console", () => heard.includes("muster/console/status"));
      await eventually("samples", async () => ((await client.getDevice("edge-1")).lastSeen ?? 0) > 0);
      const ping = async (): Promise<number> => {
        await ann.publishAsync("muster/edge-1/cmd", "ping", { qos: 1 });
        return (await client.listCommands()).commands.length;
      };
      assert.is(await ping(), 0);
      assert.not.ok(heard.some((topic) => topic.startsWith("muster/edge-1/")));
      await client.setGroups("edge-1", { groups: ["lab"] });
      await eventually("samples of a device in the group", () =>
        heard.some((topic) => topic === "muster/edge-1/metrics"),
      );
      await eventually("a command", async () => (await ping()) > 0);
      await client.setGroups("edge-1", { groups: ["field"] });
      await eventually("nothing more of it", async () => {
        const before = heard.length;
        const sent = (await client.listCommands()).commands.length;
        const since = (await client.getDevice("edge-1")).lastSeen ?? 0;
        await eventually("it speaks", async () => ((await client.getDevice("edge-1")).lastSeen ?? 0) > since);
        return heard.length === before && (await ping()) === sent;
      });
      assert.ok(ann.connected, "without a new connection");
    },
    { seconds: 90 },
  );

  test(
    "a removal ends the connections of that account within a second, from the command line and over the API, as do another role and password",
    async (scope) => {
      const { muster, client, secretOf, connect } = await start(scope);
      await muster("operator", "ann", "--role", "operator");
      await muster("operator", "bob", "--role", "operator");
      const secrets = { ann: await secretOf("ann"), bob: await secretOf("bob") };
      const held = [await connect("ann", secrets.ann), await connect("ann~2", secrets.ann)];
      const other = await connect("bob", secrets.bob);
      const heard: string[] = [];
      other.on("message", (topic) => heard.push(topic));
      await other.subscribeAsync("muster/edge-1/#", { qos: 1 });
      const [first] = held;
      await first?.publishAsync("muster/edge-1/cmd", "ping", { qos: 1 });
      await eventually("the answer", () => heard.some((topic) => topic.includes("/reply/")));

      // What was opened under another role, or with another password, ends; who has the secret may come again, under the new role.
      for (const change of [
        ["--role", "viewer"],
        ["--password", "battery staple"],
      ]) {
        const end = Promise.all(held.map(closing));
        assert.is((await muster("operator", "ann", ...change)).code, 0);
        await withDeadline(end, 10, `the end of ann's connections after ${change[0]}`);
        held.splice(0, 2, await connect("ann", secrets.ann), await connect("ann~2", secrets.ann));
      }
      await held[0]?.publishAsync("muster/edge-1/cmd", "info", { qos: 1 });
      await other.publishAsync("muster/edge-1/cmd", "report", { qos: 1 });
      await eventually("what came after it", () => heard.filter((topic) => topic.endsWith("/cmd")).length >= 2);
      assert.is(heard.filter((topic) => topic.endsWith("/cmd")).length, 2, "a viewer's command is nobody's");
      assert.is(other.connected, true, "nobody else was thrown out");

      const closed = Promise.all(held.map(closing));
      const removed = await muster("operator", "ann", "--remove", "--yes");
      assert.not.match(removed.out, /SIGHUP/, "it was told");
      await withDeadline(closed, 10, "the end of ann's connections");
      const ended = closing(other);
      await client.removeAccount("bob");
      await withDeadline(ended, 10, "the end of bob's connection");
      assert.is(await statusOf(client.removeAccount("bob")), 404);

      // Devices: the same from the command line and over the API.
      for (const [name, remove] of [
        ["rpi-7", async () => assert.is((await muster("device", "rpi-7", "--remove", "--yes")).code, 0)],
        ["rpi-8", () => client.removeDevice("rpi-8")],
      ] as const) {
        const secret = / -P (\S{27}) /.exec((await muster("enroll", name, "--secret")).out)?.[1] ?? "";
        const device = await connect(name, secret);
        await device.publishAsync(`muster/${name}/metrics/room`, '{"temperature":21.5}', { qos: 1 });
        await eventually(`${name} in the list`, () => client.getDevice(name));
        const end = closing(device);
        await remove();
        await withDeadline(end, 10, `the end of ${name}'s connection`);
        await eventually("no such device", async () => (await statusOf(client.getDevice(name))) === 404);
      }
    },
    { seconds: 60 },
  );

  test("a process id that is not Mosquitto's gets no signal", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "mosquitto.pid");
    assert.is(reloadMosquitto(directory), "absent");
    for (const text of [`${process.pid}\n`, "-1", "0", "1", "x", "999999999"]) {
      await writeFile(path, text);
      assert.is(reloadMosquitto(directory), "absent", text);
    }
    assert.match(reloadByHand("absent") ?? "", /send it a SIGHUP; until then .* stays open/);
    assert.is(reloadByHand("told"), undefined);
  });
});
