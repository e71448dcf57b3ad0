import * as assert from "uvu/assert";
import * as z from "zod/mini";
import { CommandError } from "../agent/commands/handler.ts";
import { CommandFailedError, CommandRefusedError, CommandTimeoutError } from "../console/desk/command-errors.ts";
import { parseCommandId } from "#shared/ids";
import { brokerKinds, startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => assert.unreachable("it should reject"),
    (error: unknown) => error,
  );

for (const kind of brokerKinds) {
  suite(`commands over ${kind}`, ({ test }) => {
    test("each built-in command answers", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = await fleet.agent();
      const { result } = await fleet.console.send("rpi-7", { key: "ping" });
      assert.equal(result, { pong: true, boot: agent.runId });
      const info = await fleet.console.send("rpi-7", { key: "info" });
      assert.is((info.result as { interval: number }).interval, 1_000);
      const report = await fleet.console.send("rpi-7", { key: "report" });
      assert.ok((report.result as { readings: number }).readings > 3);
      const slower = await fleet.console.send("rpi-7", { key: "set-interval", args: { seconds: 30 } });
      assert.equal(slower.result, { interval: 30_000, paused: false, kept: false });
      await eventually("the interval in presence", () => fleet.console.registry.get("rpi-7")?.interval === 30_000);
      await fleet.console.send("rpi-7", { key: "pause" });
      await eventually("paused in presence", () => fleet.console.registry.get("rpi-7")?.paused === true);
      await fleet.console.send("rpi-7", { key: "resume" });
      await eventually("resumed in presence", () => fleet.console.registry.get("rpi-7")?.paused === false);
      assert.equal(
        typeof ((await fleet.console.send("rpi-7", { key: "clear-outbox" })).result as { dropped: number }).dropped,
        "number",
      );
    });

    test("shutdown answers, then the agent goes offline and does not do it again when it returns", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = await fleet.agent();
      const { state } = await fleet.console.send("rpi-7", { key: "shutdown" });
      assert.is(state, "succeeded");
      assert.is(await agent.finished, "shutdown");
      await fleet.sees("rpi-7", false);
      assert.is(fleet.console.registry.get("rpi-7")?.reason, "shutdown");
      await fleet.agent();
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
    });

    test("a handler of one's own: arguments, progress, output, results and errors", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent();
      agent.handle("greet", {
        args: z.object({ name: z.string(), wait: z.optional(z.number()) }),
        async run({ name, wait = 0 }, { progress, output, command }) {
          if (name === "nobody") throw new CommandError("nobody", "there is nobody to greet", { name });
          progress(0.5, "half way");
          output("looking around\n");
          await new Promise((resolve) => setTimeout(resolve, wait));
          return { greeting: `hello ${name}`, by: command.by ?? "" };
        },
      });
      agent.start();
      await fleet.sees("rpi-7", true);
      const states: string[] = [];
      scope.cleanup(
        fleet.console.desk.changes.on(({ state, progress, output }) =>
          states.push(`${state} ${progress ?? "-"} ${output ?? "-"}`),
        ),
      );
      const greeted = await fleet.console.send(
        "rpi-7",
        { key: "greet", args: { name: "ann", wait: 400 } },
        { by: "ann" },
      );
      assert.equal(greeted.result, { greeting: "hello ann", by: "ann" });
      assert.ok(states.includes("running 0.5 looking around\n"), states.join(", "));
      assert.equal(
        greeted.timeline.map(({ what }) => what.replace(/after .*/, "")),
        ["taken from ann", "task retained", "begun", "succeeded ", "final reply received, task withdrawn"],
      );

      const failed = (await rejection(
        fleet.console.send("rpi-7", { key: "greet", args: { name: "nobody" } }),
      )) as CommandFailedError;
      assert.instance(failed, CommandFailedError);
      assert.equal(failed.details.command.error, {
        code: "nobody",
        message: "there is nobody to greet",
        data: { name: "nobody" },
      });

      const refused = (await rejection(
        fleet.console.send("rpi-7", { key: "greet", args: { name: 5 } }),
      )) as CommandRefusedError;
      assert.instance(refused, CommandRefusedError);
      assert.is(refused.reason, "bad-arguments");
    });

    test("no reply in time: the call rejects with its command, and the late reply harms nothing", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent();
      let finish: (() => void) | undefined;
      agent.handle("slow", { run: () => new Promise<void>((resolve) => (finish = resolve)) });
      agent.start();
      await fleet.sees("rpi-7", true);
      const error = (await rejection(
        fleet.console.send("rpi-7", { key: "slow" }, { timeout: 300 }),
      )) as CommandTimeoutError;
      assert.instance(error, CommandTimeoutError);
      const { id, state, key } = error.details.command;
      assert.is(key, "slow");
      assert.is(state, "timed_out");
      finish?.();
      await eventually("the late reply", () => fleet.console.desk.withId(id)[0]?.late?.length === 1);
      assert.is(fleet.console.desk.withId(id)[0]?.state, "timed_out");
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
    });

    test("offline is told apart from no reply, and with a ttl the command waits and runs once", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const first = await fleet.agent();
      await first.stop();
      await fleet.sees("rpi-7", false);
      const error = (await rejection(fleet.console.send("rpi-7", { key: "count" }))) as CommandRefusedError;
      assert.is(error.reason, "unknown-key");
      const offline = (await rejection(fleet.console.send("rpi-7", { key: "ping" }))) as CommandRefusedError;
      assert.is(offline.reason, "offline");
      const waiting = fleet.console.send("rpi-7", { key: "ping" }, { ttl: "1m", timeout: "15s" });
      await fleet.agent();
      const { state, id } = await waiting;
      assert.is(state, "succeeded");
      assert.is(fleet.console.desk.withId(id)[0]?.late, undefined);
    });

    test("a withdrawn command: what runs is aborted, what waits never begins", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent();
      const begun: string[] = [];
      let aborted = false;
      agent.handle("long", {
        run: (_, { signal, command }) => {
          begun.push(command.id);
          return new Promise((_resolve, reject) =>
            signal.addEventListener("abort", () => reject(((aborted = true), signal.reason))),
          );
        },
      });
      agent.start();
      await fleet.sees("rpi-7", true);
      const order = { key: "long", by: "test", timeout: 10_000 };
      const first = fleet.console.desk.submit(agent.device, order);
      const second = fleet.console.desk.submit(agent.device, order);
      await eventually("the first begins", () => begun.length === 1);
      fleet.console.desk.cancel(agent.device, second.id, "ann");
      fleet.console.desk.cancel(agent.device, first.id, "ann");
      await eventually("the abort", () => aborted);
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
      assert.equal(begun, [first.id]);
      assert.is(fleet.console.desk.withId(first.id)[0]?.state, "cancelled");
      assert.is(fleet.console.desk.withId(second.id)[0]?.state, "cancelled");
    });

    test("hand-typed with mosquitto_pub: a bare word, a JSON line and a retained task are answered in JSON", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const replies = await fleet.sub(scope, "-t", "muster/rpi-7/reply/+", "-t", "muster/rpi-7/cmd/42");
      assert.is((await fleet.pub("-t", "muster/rpi-7/cmd", "-m", "ping")).code, 0);
      await replies.line(/^muster\/rpi-7\/reply\/\w+ \{.*"state":"succeeded".*"pong":true/);
      await fleet.pub("-r", "-t", "muster/rpi-7/cmd/42", "-m", '{"key":"ping"}');
      // A busy machine may need more than a moment for it, and is told "running" first.
      await replies.line(/^muster\/rpi-7\/reply\/42 \{.*"state":"succeeded"/);
      await eventually(
        "its row",
        () => fleet.console.desk.list({ device: "rpi-7" }).find(({ id }) => id === "42")?.state === "succeeded",
      );
      await replies.line(/^muster\/rpi-7\/cmd\/42 (\(null\))?$/);
      const late = await fleet.sub(scope, "-t", "muster/rpi-7/cmd/+", "-t", "muster/rpi-7/status");
      await late.line(/^muster\/rpi-7\/status /);
      assert.is(
        late.lines.some((one) => one.startsWith("muster/rpi-7/cmd/")),
        false,
        "the task is withdrawn",
      );
    });

    test("mosquitto_rr gets its answer", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const args = [
        "-V",
        "mqttv311",
        ...fleet.login(),
        "-t",
        "muster/rpi-7/cmd/43",
        "-e",
        "muster/rpi-7/reply/43",
        "-m",
        '{"key":"ping"}',
        "-W",
        "5",
      ];
      const { out, code, err } = await runProgram("mosquitto_rr", args);
      assert.is(code, 0, err);
      // It takes the first one that comes: where the machine is busy, that it runs.
      assert.match((JSON.parse(out) as { state: string }).state, /^(running|succeeded)$/);
    });

    test("a used id with another key gets no answer of the command that had it, whose record stays", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const ask = async (key: string) => {
        const topics = ["-t", "muster/rpi-7/cmd/41", "-e", "muster/rpi-7/reply/41", "-m", key];
        const { out, code, err } = await runProgram("mosquitto_rr", [
          "-V",
          "mqttv311",
          ...fleet.login(),
          ...topics,
          "-W",
          "5",
        ]);
        assert.is(code, 0, err);
        const { state, error } = JSON.parse(out) as { state: string; error?: { code: string; data?: unknown } };
        return { state, code: error?.code, data: error?.data };
      };
      assert.match((await ask("ping")).state, /^(running|succeeded)$/);
      await eventually("its end", () => fleet.console.desk.list({ state: "succeeded" }).length === 1);
      const rejected = { state: "rejected", code: "id-taken", data: { key: "report" } };
      assert.equal(await ask("report"), rejected);
      await fleet.pub("-q", "1", "-t", "muster/rpi-7/cmd", "-m", "ping");
      await eventually("what was sent after it", () => fleet.console.desk.list({ state: "succeeded" }).length === 2);
      const [command] = fleet.console.desk.withId(parseCommandId("41"));
      assert.is(command?.state, "succeeded");
      assert.is(command?.late, undefined);
    });

    test("a hand-typed command that cannot be carried out is refused with a line that works", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      const refused = await fleet.sub(scope, "-t", "muster/+/refused");
      const cases: [string, string, RegExp][] = [
        ["muster/rpi-7/cmd", '{"key":', /not valid JSON.*mosquitto_pub -t muster\/rpi-7\/cmd -m ping/],
        ["muster/rpi-7/cmd", "pong", /does not offer/],
        [
          "muster/rpi-7/cmd",
          '{"key":"set-interval","args":{"seconds":0}}',
          /seconds.*\{\\"key\\":\\"set-interval\\",\\"args\\":\{\\"seconds\\":1\}\}/,
        ],
        ["muster/rpi-9/cmd", "ping", /there is no device/],
      ];
      for (const [topic, message, pattern] of cases) {
        await fleet.pub("-t", topic, "-m", message);
        await refused.line(pattern);
      }
    });

    test("an agent that was off gets its retained task when it comes back, once", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const counted = new Map<string, number>();
      const start = async (): Promise<void> => {
        const agent = fleet.newAgent();
        agent.handle("count", {
          run: (_, { command }) => void counted.set(command.id, (counted.get(command.id) ?? 0) + 1),
        });
        agent.start();
        await fleet.sees("rpi-7", true);
        await eventually(
          "the end of 44",
          () => fleet.console.desk.list({}).find(({ id }) => id === "44")?.state === "succeeded",
        );
        await agent.stop();
        await fleet.sees("rpi-7", false);
      };
      // Its offers are known from an earlier life.
      const earlier = fleet.newAgent();
      earlier.handle("count", { run: () => {} });
      earlier.start();
      await fleet.sees("rpi-7", true);
      await earlier.stop();
      await fleet.sees("rpi-7", false);
      await fleet.pub("-r", "-t", "muster/rpi-7/cmd/44", "-m", '{"key":"count"}');
      await eventually("its row", () => fleet.console.desk.list({}).some(({ id }) => id === "44"));
      await start();
      await start();
      assert.equal([...counted], [["44", 1]]);
    });

    test("a viewer may look and not send; a device may not send to another", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      await runProgram("mosquitto_pub", [...fleet.login("vic"), "-t", "muster/rpi-7/cmd/45", "-m", "ping"]);
      await runProgram("mosquitto_pub", [...fleet.login("rpi-8"), "-t", "muster/rpi-7/cmd/46", "-m", "ping"]);
      await fleet.pub("-t", "muster/rpi-7/cmd/47", "-m", "ping");
      await eventually("the operator's", () =>
        fleet.console.desk.list({}).some(({ id, state }) => id === "47" && state === "succeeded"),
      );
      assert.equal(
        fleet.console.desk.list({}).map(({ id }) => id),
        ["47"],
      );
    });
  });
}

suite("commands and a broker that forgets", ({ test }) => {
  test("open tasks are published again after mosquitto was killed", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    const agent = await fleet.agent();
    await agent.stop();
    await fleet.sees("rpi-7", false);
    const command = fleet.console.desk.submit(agent.device, { key: "ping", by: "test", timeout: null, ttl: 60_000 });
    await fleet.restartBroker();
    await eventually("the console is back", () => fleet.console.brokerConnected);
    await fleet.agent();
    await eventually("the end", () => fleet.console.desk.withId(command.id)[0]?.state === "succeeded");
  });
});
