import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Command } from "../console/desk/command.ts";
import { serveApi } from "./api-server.ts";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { Running, runProgram } from "./programs.ts";
import { pythonWithPaho } from "./python.ts";
import { eventually, suite, type Scope } from "./suite.ts";

const device = parseDeviceId("rpi-7");

suite("examples", ({ test }) => {
  test("the agent and the console from code, as the documentation shows them", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    // The example is a console of its own: the one of the harness makes room for it.
    await fleet.console.stop();
    const secretOf = (name: string): string => fleet.secretOf(name);
    const agent = new Running(scope, process.execPath, ["examples/agent.mjs"], {
      env: { BROKER: fleet.url, SECRET: secretOf("rpi-7") },
    });
    const env = { BROKER: fleet.url, SECRET: secretOf("console"), DIRECTORY: await scope.directory() };
    const { out, err, code } = await runProgram(process.execPath, ["examples/console.mjs"], { env });
    assert.is(code, 0, err + agent.lines.join("\n"));
    assert.match(out, /succeeded \{ greeted: 'world', times: 3 \}/);
  });

  test("a program that talks to a running console", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const agent = await fleet.agent();

    const { url } = await serveApi(scope, fleet);
    const env = { MUSTER_URL: url, MUSTER_TOKEN: `ann:${fleet.secretOf("ann")}` };
    const { out, err, code } = await runProgram(process.execPath, ["examples/client.mjs"], { env });
    assert.is(code, 0, err);
    assert.match(out, /^rpi-7 online/);
    assert.match(out, /^ping succeeded$/m);
    await agent.stop();
    await fleet.sees("rpi-7", false);
    const refused = await runProgram(process.execPath, ["examples/client.mjs"], { env });
    assert.match(refused.out, /^409 offline "?rpi-7/m);
  });

  test("the documentation shows exactly these files", () => {
    for (const [page, ...files] of [
      ["docs/library.md", "examples/agent.mjs", "examples/console.mjs"],
      ["docs/client.md", "examples/client.mjs"],
    ] as const)
      for (const file of files) assert.ok(readFileSync(page, "utf8").includes(readFileSync(file, "utf8").trim()), file);
  });

  test(
    "the agent in Python keeps both promises: killed, withdrawn, without console and without broker",
    async (scope) => {
      const python = await pythonWithPaho();
      // At the same time, because most of it is waiting.
      await Promise.all([
        inPython(scope, python, "embedded", 3),
        inPython(scope, python, "mosquitto", 3),
        inPython(scope, python, "mosquitto", 5),
      ]);
    },
    { seconds: 60 },
  );
});

async function inPython(scope: Scope, python: string, kind: BrokerKind, mqtt: 3 | 5): Promise<void> {
  const fleet = await startFleet(scope, kind);
  const directory = await scope.directory();
  const start = async (): Promise<Running> => {
    const settings = { broker: `127.0.0.1:${fleet.port}`, device: "rpi-7", data: directory, mqtt, interval: 0.2 };
    const flags = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const env = { MUSTER_SECRET: fleet.secretOf("rpi-7") };
    const running = new Running(scope, python, ["examples/agent.py", ...flags], { env });
    running.child.once("exit", (code) => code && console.error(running.lines.join("\n")));
    await fleet.sees("rpi-7", true);
    return running;
  };
  const agent = await start();
  const where = `${kind}, MQTT ${mqtt}`;
  assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded", where);

  const again = await interruptedOnce(fleet, directory, agent, start);
  await withdrawn(fleet, directory);
  await typed(fleet, directory);
  if (mqtt === 5) await answersWhereAsked(fleet);
  await fleet.console.stop();
  await fleet.console.start();
  await eventually("the console's connection", () => fleet.console.brokerConnected);
  if (kind === "mosquitto") await fleet.restartBroker();
  const queued = await fleet.console.send("rpi-7", { key: "blink", args: { times: 1 } }, { ttl: "1m", timeout: "30s" });
  assert.is(queued.state, "succeeded", where);
  assert.is(blinks(directory, queued.id), 1, where);

  await complete(fleet);
  const ended = again.end();
  again.child.kill("SIGTERM");
  assert.is(await ended, 0, again.lines.join("\n"));
  await eventually("its word", () => fleet.console.registry.get("rpi-7")?.reason === "shutdown");
}

/** A kill -9 in the middle of a command that must not run twice; and what waited meanwhile, of which one was withdrawn. */
async function interruptedOnce(
  fleet: Fleet,
  directory: string,
  agent: Running,
  start: () => Promise<Running>,
): Promise<Running> {
  const { desk } = fleet.console;
  const { id } = blink(fleet, 50);
  await eventually("the first blinks", () => blinks(directory, id) >= 2);
  await agent.kill("SIGKILL");
  const before = blinks(directory, id);
  await fleet.sees("rpi-7", false);
  const waiting = [1, 2, 3].map(() => blink(fleet, 1).id);
  const [first = "", gone, last = ""] = waiting;
  if (gone) desk.cancel(device, gone, "test");
  const again = await start();
  await eventually("the end of all", () => [id, ...waiting].every((one) => desk.find(device, one)?.ended));
  assert.is(desk.find(device, id)?.state, "interrupted");
  assert.is(desk.find(device, id)?.error?.code, "agent-stopped");
  assert.is(blinks(directory, id), before);
  assert.equal(blinkLines(directory).slice(before), [first, last]);
  return again;
}

/** A command that is withdrawn while it runs stops, and says so. */
async function withdrawn(fleet: Fleet, directory: string): Promise<void> {
  const { id } = blink(fleet, 100);
  const find = (): ReturnType<Fleet["console"]["desk"]["find"]> => fleet.console.desk.find(device, id);
  await eventually("that it runs", () => find()?.state === "running" && blinks(directory, id) > 0);
  fleet.console.desk.cancel(device, id, "test");
  await eventually("its own word", () => find()?.late?.[0]?.state === "cancelled");
  assert.ok(blinks(directory, id) < 100);
}

/** Tasks that a person has put at the broker: some that are none, which must not end the agent, and one without a time. */
async function typed(fleet: Fleet, directory: string): Promise<void> {
  const lines = [
    '{"key":"ping","ts":"x"}',
    '{"key":[]}',
    `{"key":${"[".repeat(20_000)}`,
    '{"key":"blink","args":{"times":1}}',
  ];
  // One after the other: they have one client id, and who comes with it throws out who is there, with what he has not said yet.
  for (const [at, line] of lines.entries()) {
    const { code, err } = await fleet.pub("-q", "1", "-r", "-t", `muster/rpi-7/cmd/typed-${at}`, "-m", line);
    assert.is(code, 0, err);
  }
  const find = (): Command | undefined => fleet.console.desk.find(device, parseCommandId("typed-3"));
  await eventually("the typed command's end", () => find()?.ended);
  assert.is(find()?.state, "succeeded");
  assert.is(blinks(directory, "typed-3"), 1);
}

/** The final reply also goes where an MQTT 5 request asked for it, with its correlation data. */
async function answersWhereAsked(fleet: Fleet): Promise<void> {
  const asked = ["-V", "mqttv5", "-t", "muster/rpi-7/cmd/43", "-e", "muster/rpi-7/reply/asked", "-m", "ping"];
  const more = ["-D", "publish", "correlation-data", "call-7", "-F", "%D %p", "-W", "10"];
  const { out, err } = await runProgram("mosquitto_rr", [...fleet.login(fleet.seat()), ...asked, ...more]);
  assert.match(out, /^call-7 \{.*"id": ?"43".*"succeeded"/, err);
}

/** Every batch that was numbered is stored, and the outbox has let go of all but the last. */
async function complete(fleet: Fleet): Promise<void> {
  await eventually("completeness", () => {
    const { missing, outstanding, stored } = fleet.console.ingest.batches.completeness.of(device);
    return missing === 0 && outstanding.batches === 0 && stored >= 20;
  });
}

function blink(fleet: Fleet, times: number): Command {
  return fleet.console.desk.submit(device, { key: "blink", args: { times }, by: "test", timeout: null, ttl: 60_000 });
}

function blinks(directory: string, id: string): number {
  return blinkLines(directory).filter((line) => line === id).length;
}

/** The ids of commands, one for each blink. */
function blinkLines(directory: string): string[] {
  const path = join(directory, "blinks");
  return existsSync(path) ? readFileSync(path, "utf8").trim().split("\n") : [];
}
