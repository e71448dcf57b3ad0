import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { encode } from "#shared/codec";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { Topics } from "#shared/topics";
import { Broker } from "../broker/broker.ts";
import type { ConformOptions } from "../cli/conform/conform-check.ts";
import { conformLine, runConform, type ConformFinding } from "../cli/conform/run-conform.ts";
import { maxHeard, Stage, type StagePatience } from "../cli/conform/stage.ts";
import { Agent } from "../agent/agent.ts";
import { pythonWithPaho } from "./python.ts";
import { musterProgram, Running } from "./programs.ts";
import { suite, type Scope } from "./suite.ts";

const secret = "correct horse battery";

/** A broker and a console that is played. */
async function stageOf(
  scope: Scope,
  name: string,
  patience: StagePatience = { prompt: 30_000, comeback: 60_000, quiet: 700 },
) {
  const device = parseDeviceId(name);
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    clock: systemClock,
    log: silentLog,
    authenticate: async (user, given) =>
      user === device && String(given) === secret ? { name: device, role: "device" } : undefined,
    groupsOf: () => [],
  });
  const { port } = await broker.start();
  scope.cleanup(() => broker.stop());
  const stage = new Stage({
    device,
    bus: broker.local(),
    topics: new Topics("muster"),
    clock: systemClock,
    cutOff: () => broker.disconnect(device),
    patience,
  });
  await stage.start();
  scope.cleanup(() => stage.stop());
  return { stage, broker, port };
}

/** What is found of whatever agent is begun against it. */
async function conform(
  scope: Scope,
  name: string,
  begin: (port: number) => unknown,
  options: Partial<ConformOptions> = {},
  patience?: StagePatience,
): Promise<readonly ConformFinding[]> {
  const { stage, port } = await stageOf(scope, name, patience);
  await begin(port);
  return runConform(stage, { key: "ping", args: {}, ...options }, { tell: () => {} });
}

/** @returns what could not be tried of an agent of which nothing is wrong */
async function conformOf(...given: Parameters<typeof conform>): Promise<string> {
  const found = await conform(...given);
  const wrong = found.filter(({ mark }) => mark === "bad");
  assert.is(wrong.map(conformLine).join("\n"), "", given[1]);
  return found.flatMap(({ mark, what }) => (mark === "skipped" ? [what] : [])).join();
}

suite("any agent against the protocol", ({ test }) => {
  test(
    "our own, the simulator and the examples do as it says",
    async (scope) => {
      const own =
        (directory: string) =>
        (port: number): void => {
          const agent = new Agent({
            device: "own-1",
            url: `mqtt://127.0.0.1:${port}`,
            password: secret,
            interval: 500,
            mqttVersion: 4,
            directory,
          });
          agent.handle("nap", {
            run: (_, { signal, progress }) =>
              new Promise((_resolve, reject) => {
                progress(0.1);
                signal.addEventListener("abort", () => reject(signal.reason as Error));
              }),
          });
          let counted = 0;
          agent.handle("count", { run: () => ({ counted: (counted += 1) }) });
          agent.start();
          scope.cleanup(() => agent.stop());
        };
      const python = await pythonWithPaho();
      const data = await scope.directory();
      const sim = (port: number): Running =>
        new Running(
          scope,
          ...musterProgram(["sim", "--devices", "1", "--broker", `mqtt://127.0.0.1:${port}`, "--interval", "1s"]),
          { env: { MUSTER_SIM_SECRET: secret, MUSTER_DATA: data } },
        );
      const inPython = (port: number): Running => {
        const place = ["--broker", `127.0.0.1:${port}`, "--device", "py-1", "--data", data, "--interval", "0.5"];
        return new Running(scope, python, ["examples/agent.py", ...place], { env: { MUSTER_SECRET: secret } });
      };
      const fromCode = (port: number): Running =>
        new Running(scope, process.execPath, ["examples/agent.mjs"], {
          env: { BROKER: `mqtt://127.0.0.1:${port}`, SECRET: secret, SECONDS: "0.5" },
        });
      // Under MicroPython itself, compiled to WebAssembly, with a socket and umqtt.simple of the test's: Debian has no package of it.
      const board = await scope.directory();
      const onBoard = async (port: number): Promise<Running> => {
        const settings = { broker: "127.0.0.1", port, device: "esp-1", secret, interval: 0.5 };
        await writeFile(join(board, "muster.json"), JSON.stringify(settings));
        return new Running(scope, process.execPath, [
          "test/micropython/run.mjs",
          "examples/micropython/main.py",
          board,
        ]);
      };
      const [of, inSim, ofPython, ofExample, ofBoard] = await Promise.all([
        conformOf(scope, "own-1", own(await scope.directory()), {
          slow: { key: "nap", args: {} },
          single: { key: "count", args: {} },
        }),
        conformOf(scope, "sim-00001", sim),
        conformOf(scope, "py-1", inPython, {
          slow: { key: "blink", args: { times: 100 } },
          single: { key: "blink", args: { times: 1 } },
        }),
        conformOf(scope, "rpi-7", fromCode),
        conformOf(scope, "esp-1", onBoard, {
          slow: { key: "blink", args: { times: 100 } },
          single: { key: "blink", args: { times: 1 } },
        }),
      ]);
      assert.equal([of, ofPython, ofBoard], ["", "", ""], "nothing is skipped");
      assert.is(inSim, "a command, withdrawn while it runs");
      assert.match(ofExample, /^(batches.*,)*a command, withdrawn while it runs/);
    },
    { seconds: 60 },
  );

  test(
    "an agent that does otherwise is told so, and one that never comes as well",
    async (scope) => {
      const heard: string[] = [];
      const found = await conform(
        scope,
        "odd-1",
        async (port) => {
          const link = new Link({
            url: `mqtt://127.0.0.1:${port}`,
            clientId: "odd-1",
            username: "odd-1",
            password: secret,
            clock: systemClock,
            log: silentLog,
          });
          const say = (topic: string, payload: object, retain = false): void =>
            void link.publish(`muster/odd-1/${topic}`, encode(payload, "json"), { retain }).catch(() => {});
          let session = 0;
          link.onConnection(({ up }) => {
            if (!up) return;
            session += 1;
            const birth = { v: 1, online: true, boot: "b", session: `s${session}`, commands: { ping: {} } };
            say("status", birth, true);
          });
          // Each time that it sees a task it carries it out, whatever came before.
          link.subscribe(["muster/odd-1/cmd/+"], ({ topic, payload }) => {
            if (payload.length === 0) return;
            heard.push(topic);
            const id = topic.split("/").at(-1) ?? "";
            say(`reply/${id}`, { id, state: "succeeded", result: { times: heard.length } });
          });
          link.start();
          scope.cleanup(() => link.stop());
        },
        {},
        { prompt: 300, comeback: 10_000, quiet: 300 },
      );
      const wrong = found.filter(({ mark }) => mark === "bad").map(({ what }) => what);
      assert.equal(wrong.slice(0, 3), [
        "birth, until greeted",
        "will, and another session",
        "birth for another console",
      ]);
      for (const what of ["an unknown command", "a task that is over", "tasks that a broker had kept"])
        assert.ok(wrong.includes(what), wrong.join());
    },
    { seconds: 60 },
  );

  test(`a stage remembers ${maxHeard} messages of a kind`, async (scope) => {
    const { stage, broker } = await stageOf(scope, "odd-1");
    const bus = broker.local();
    const bytes = encode({ id: "1", state: "running" }, "json");
    for (let at = 0; at <= maxHeard; at += 1) await bus.publish("muster/odd-1/reply/1", bytes);
    await stage.until(() => stage.replies.length >= maxHeard, 10_000);
    assert.is(stage.replies.length, maxHeard);
  });
});
