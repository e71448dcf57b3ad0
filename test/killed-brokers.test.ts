import { join } from "node:path";
import * as assert from "uvu/assert";
import { createClient, type CommandDocument } from "#api/client";
import { systemClock, type Clock } from "#shared/clock";
import { generateSecret } from "#shared/password";
import { Agent } from "../agent/agent.ts";
import { freePort, startMosquitto } from "./mosquitto.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** A clock by which the agent's patience of 5 s with the console is over at once: so a console that is soon back is long away. */
const hasty: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms === 5_000 ? 50 : ms, run) };

/** Mosquitto with the shipped settings and the console, each a process that can be killed. */
async function place(scope: Scope) {
  const secrets = { console: generateSecret(), "rpi-7": generateSecret(), ann: generateSecret() };
  const broker = await startMosquitto(scope, {
    accounts: [
      { name: "console", role: "console", secret: secrets.console },
      { name: "rpi-7", role: "device", secret: secrets["rpi-7"] },
      { name: "ann", role: "operator", secret: secrets.ann },
    ],
  });
  const httpPort = await freePort();
  const env = {
    MUSTER_DATA: join(await scope.directory(), "data"),
    MUSTER_HTTP_PORT: String(httpPort),
    MUSTER_MQTT_URL: `mqtt://console:${secrets.console}@127.0.0.1:${broker.port}`,
    MUSTER_ADMIN_PASSWORD: "correct horse",
  };
  return {
    broker,
    console: async (): Promise<Running> => {
      const running = new Running(scope, ...musterProgram(["console"]), { env });
      await running.line(/console listens/);
      return running;
    },
    agent: (): Agent => {
      const agent = new Agent({
        device: "rpi-7",
        url: broker.url,
        password: secrets["rpi-7"],
        mqttVersion: "auto",
        collectors: [],
        clock: hasty,
      });
      scope.cleanup(() => agent.stop());
      return agent;
    },
    client: createClient({ url: `http://127.0.0.1:${httpPort}`, login: "admin:correct horse" }),
    type: (...args: string[]) =>
      runProgram("mosquitto_pub", [
        "-h",
        "127.0.0.1",
        "-p",
        String(broker.port),
        "-u",
        "ann",
        "-P",
        secrets.ann,
        ...args,
      ]),
  };
}

suite("a command is cancelled while Mosquitto and console are killed", ({ test }) => {
  test("it never runs, though the console is back long after the broker; what is open still does", async (scope) => {
    const { broker, console, agent, client, type } = await place(scope);
    const device = agent();
    const begun: string[] = [];
    let release: (() => void) | undefined;
    let isDrained = false;
    device.handle("hold", { run: () => new Promise((resolve) => (release = () => resolve())) });
    device.handle("count", { run: (_, { command }) => void begun.push(command.id) });
    device.handle("live", { run: () => void (isDrained = true) });
    device.start();
    const first = await console();
    const state = async (id: string): Promise<string> => (await client.getCommand(id)).state;
    await eventually("the device", async () => (await client.getDevice("rpi-7")).online);
    const send = (key: string): Promise<CommandDocument> =>
      client.sendCommand("rpi-7", { key, ttl: 600_000 }, { wait: false });
    await send("hold");
    await eventually("the first to run", () => release !== undefined);
    // These wait behind it in the agent.
    const [one, two, open] = [await send("count"), await send("count"), await send("count")];
    await eventually("the agent's word", async () => (await state(open.id)) === "accepted");

    await broker.stop("SIGKILL");
    for (const { id } of [one, two]) assert.is((await client.cancelCommand(id)).state, "cancelled");
    await first.kill("SIGKILL");
    await broker.start();
    release?.();
    // What is typed now begins when the 5 s are over: by then the others would have begun as well.
    await eventually("the typed one", async () => {
      await type("-t", "muster/rpi-7/cmd/typed", "-m", "live");
      return isDrained;
    });
    assert.equal(begun, []);

    const second = await console();
    await eventually("the open one", async () => (await state(open.id)) === "succeeded");
    assert.equal(begun, [open.id]);
    assert.equal([await state(one.id), await state(two.id)], ["cancelled", "cancelled"]);
    assert.is(await second.kill("SIGTERM"), 0);
  });
});
