import { rmSync } from "node:fs";
import * as assert from "uvu/assert";
import { systemClock, type Clock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { unknownSender } from "../console/desk/command.ts";
import type { CommandFailedError } from "../console/desk/command-errors.ts";
import { brokerKinds, startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite } from "./suite.ts";

const device = parseDeviceId("rpi-7");
const queued = { by: "test", timeout: null, ttl: 120_000 };

for (const kind of brokerKinds) {
  suite(`promises of commands over ${kind}`, ({ test }) => {
    test(
      "a queue of 1,000 pending tasks drains in the order of creation",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        const ids = Array.from({ length: 1_000 }, () => {
          // The device has never been seen, so what it offers is not known and everything is taken.
          return fleet.console.desk.submit(device, { ...queued, key: "count" }).id;
        });
        const seen: string[] = [];
        const agent = fleet.newAgent();
        agent.handle("count", { run: (_, { command }) => void seen.push(command.id) });
        agent.start();
        await eventually("the last one", () => fleet.console.desk.withId(ids.at(-1)!)[0]?.state === "succeeded", 50);
        assert.equal(seen, ids);
      },
      { seconds: 60 },
    );

    test("whatever the broker delivers again, an id is begun once", async (scope) => {
      const fleet = await startFleet(scope, kind);
      let begun = 0;
      const agent = fleet.newAgent();
      agent.handle("count", {
        run: async () => {
          begun += 1;
          await new Promise((resolve) => setTimeout(resolve, 300));
        },
      });
      agent.start();
      await fleet.sees("rpi-7", true);
      const send = (): Promise<unknown> => fleet.pub("-r", "-t", "muster/rpi-7/cmd/again", "-m", '{"key":"count"}');
      for (let turn = 0; turn < 3; turn++) await send();
      await eventually("its end", () => fleet.console.desk.withId(parseCommandId("again"))[0]?.state === "succeeded");
      for (let turn = 0; turn < 3; turn++) await send();
      await fleet.console.send("rpi-7", { key: "ping" });
      await fleet.console.send("rpi-7", { key: "report" });
      assert.is(begun, 1);
      assert.is(fleet.console.desk.withId(parseCommandId("again"))[0]?.late, undefined);
    });

    test("an agent whose clock is a day behind does not begin what has expired", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const slow: Clock = { ...systemClock, now: () => Date.now() - 86_400_000 };
      const begun: string[] = [];
      // A task that a broker still has, though the console would have withdrawn it: put there behind the console's back.
      await fleet.console.stop();
      const task = (id: string, expires: number): Promise<unknown> =>
        fleet.pub(
          "-r",
          "-t",
          `muster/rpi-7/cmd/${id}`,
          "-m",
          JSON.stringify({ key: "count", ts: Date.now() - 120_000, expires }),
        );
      await task("old", Date.now() - 60_000);
      await task("good", Date.now() + 60_000);
      const agent = fleet.newAgent("rpi-7", { clock: slow });
      agent.handle("count", { run: (_, { command }) => void begun.push(command.id) });
      agent.start();
      await fleet.console.start();
      await eventually(
        "the good one",
        () => fleet.console.desk.withId(parseCommandId("good"))[0]?.state === "succeeded",
      );
      await fleet.console.send("rpi-7", { key: "report" });
      assert.equal(begun, ["good"]);
    });

    test("an agent that sends no metrics learns the time as well: its birth is answered, even a retained one", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent("rpi-7", { collectors: [] });
      agent.handle("count", { run: () => {} });
      await fleet.console.stop();
      agent.start();
      await eventually("its birth at the broker", async () =>
        /"online":true/.test(
          (await runProgram("mosquitto_sub", [...fleet.login(), "-t", "muster/rpi-7/status", "-C", "1", "-W", "1"]))
            .out,
        ),
      );
      await fleet.console.start();
      await fleet.sees("rpi-7", true);
      const { state } = await fleet.console.send("rpi-7", { key: "count" }, { ttl: "1m", timeout: "3s" });
      assert.is(state, "succeeded");
    });

    test(
      "a handler that ignores its withdrawal is reported, and its true end is kept",
      async (scope) => {
        const fleet = await startFleet(scope, kind);
        let finish: (() => void) | undefined;
        const agent = fleet.newAgent();
        agent.handle("stubborn", { run: () => new Promise<void>((resolve) => (finish = resolve)) });
        agent.start();
        await fleet.sees("rpi-7", true);
        const { id } = fleet.console.desk.submit(device, { ...queued, key: "stubborn" });
        await eventually("its beginning", () => finish);
        assert.is(fleet.console.desk.cancel(device, id, "ann")?.state, "cancelled");
        await eventually("the report", () =>
          fleet.console.desk.withId(id)[0]?.timeline.some(({ what }) => what === "withdrawn, but its handler goes on"),
        );
        finish?.();
        await eventually("its end", () => fleet.console.desk.withId(id)[0]?.late?.[0]?.state === "succeeded");
        assert.is(fleet.console.desk.withId(id)[0]?.state, "cancelled");
      },
      { seconds: 30 },
    );

    test("what is concurrent does not wait behind a long command; cancel ends it from the device's side", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent();
      agent.handle("long", {
        run: (_, { signal }) =>
          new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
      });
      agent.start();
      await fleet.sees("rpi-7", true);
      const { id } = fleet.console.desk.submit(device, { ...queued, key: "long" });
      await eventually("its beginning", () => fleet.console.desk.withId(id)[0]?.state === "running");
      const waiting = fleet.console.desk.submit(device, { ...queued, key: "report" });
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
      await eventually("report is accepted", () => fleet.console.desk.withId(waiting.id)[0]?.state === "accepted");
      const { result } = await fleet.console.send("rpi-7", { key: "cancel", args: { id } });
      assert.equal(result, { cancelled: true });
      await eventually("long is cancelled", () => fleet.console.desk.withId(id)[0]?.state === "cancelled");
      await eventually("report ran", () => fleet.console.desk.withId(waiting.id)[0]?.state === "succeeded");
    });

    test("an empty retained payload from mosquitto_pub withdraws; the history has who sent and who withdrew", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const agent = await fleet.agent();
      await agent.stop();
      await fleet.sees("rpi-7", false);
      const id = parseCommandId("typed");
      await fleet.pub("-r", "-t", `muster/rpi-7/cmd/${id}`, "-m", '{"key":"ping","by":"admin"}');
      const typed = await eventually("its row", () => fleet.console.desk.withId(id)[0]);
      // Only the embedded broker tells who published; what the message claims is nobody's word.
      const sender = kind === "embedded" ? "ann" : unknownSender;
      assert.is(typed.by, sender);
      assert.is(typed.timeline[0]?.what, `taken from ${sender}`);
      assert.ok(Math.abs((typed.expires ?? 0) - typed.ts - 3_600_000) < 10, "a hand-typed command waits an hour");
      await fleet.pub("-r", "-n", "-t", `muster/rpi-7/cmd/${id}`);
      const over = await eventually("its end", () => {
        const found = fleet.console.desk.withId(id)[0];
        return found?.state === "cancelled" ? found : undefined;
      });
      assert.is(over.error?.message, `withdrawn by ${sender}`);
      await fleet.agent();
      assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
      assert.is(fleet.console.desk.withId(id)[0]?.late, undefined);
    });

    test("with no room to record it, a command is refused with that reason, and the agent goes on", async (scope) => {
      const directory = await smallDisk(scope);
      const fleet = await startFleet(scope, kind);
      const agent = fleet.newAgent("rpi-7", { directory });
      let begun = 0;
      agent.handle("count", { run: () => void (begun += 1) });
      agent.start();
      await fleet.sees("rpi-7", true);
      const filler = fillDisk(directory);
      // A few lines still find room in the ledger's last block.
      let done = 0;
      const refused = async (): Promise<CommandFailedError> => {
        try {
          await fleet.console.send("rpi-7", { key: "count" });
        } catch (thrown) {
          return thrown as CommandFailedError;
        }
        done += 1;
        return refused();
      };
      const error = await refused();
      assert.is(error.details.command.state, "rejected");
      assert.is(error.details.command.error?.code, "no-room");
      assert.match(error.message, /ENOSPC/);
      assert.is(begun, done);
      rmSync(filler);
      assert.is((await fleet.console.send("rpi-7", { key: "count" })).state, "succeeded");
    });

    test("answer times are learned, and proposed where a timeout was too short", async (scope) => {
      const fleet = await startFleet(scope, kind);
      await fleet.agent();
      for (let turn = 0; turn < 6; turn++) await fleet.console.send("rpi-7", { key: "ping" });
      const usually = fleet.console.desk.answerTimes(device, "ping");
      assert.is(usually?.count, 6);
      assert.ok(usually && usually.p50 > 0 && usually.p50 <= usually.p99);
    });
  });
}

suite("commands by MQTT 5", ({ test }) => {
  test("the reply goes to the response topic too, with the correlation data", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    await fleet.agent();
    const args = [
      "-V",
      "mqttv5",
      ...fleet.login(),
      "-t",
      "muster/rpi-7/cmd/50",
      "-e",
      "muster/rpi-7/reply/mine",
      "-m",
      '{"key":"ping"}',
      "-W",
      "5",
    ];
    const correlated = ["-D", "publish", "correlation-data", "my data", "-F", "%D %p"];
    const { out, code, err } = await runProgram("mosquitto_rr", [...args, ...correlated]);
    assert.is(code, 0, err);
    assert.match(out, /^my data \{.*"state":"succeeded"/);
  });

  test("so it does for a device that was off, and after a restart of the console, once", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    await (await fleet.agent()).stop();
    await fleet.sees("rpi-7", false);
    const heard = await fleet.sub(
      scope,
      "-V",
      "mqttv5",
      "-F",
      "%t %D %p",
      "-t",
      "muster/answers/ann",
      "-t",
      "muster/+/refused",
    );
    const asking = (topic: string): string[] => [
      "-D",
      "publish",
      "response-topic",
      topic,
      "-D",
      "publish",
      "correlation-data",
      "mine",
    ];
    const ask = (id: string, topic: string): Promise<unknown> =>
      fleet.pub("-V", "mqttv5", "-r", "-t", `muster/rpi-7/cmd/${id}`, "-m", "ping", ...asking(topic));
    await ask("51", "muster/answers/ann");
    await ask("52", "muster/rpi-8/cmd");
    await heard.line(
      /refused .*52 is taken, but answered on its reply topic alone: its response topic has another meaning/,
    );
    await eventually("both rows", () =>
      ["51", "52"].every((id) => fleet.console.desk.find(device, parseCommandId(id))),
    );
    await fleet.console.stop();
    await fleet.console.start();
    await fleet.agent();
    assert.match(await heard.line(/^muster\/answers\/ann/), /^muster\/answers\/ann mine \{.*"state":"succeeded"/);
    await fleet.console.send("rpi-7", { key: "ping" });
    assert.is(heard.lines.filter((line) => line.startsWith("muster/answers/ann")).length, 1);
  });
});

suite("commands of those who may not", ({ test }) => {
  test("a viewer's command is refused readably by the embedded broker", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    await fleet.agent();
    const refused = await fleet.sub(scope, "-t", "muster/+/refused");
    await runProgram("mosquitto_pub", [...fleet.login("vic"), "-t", "muster/rpi-7/cmd", "-m", "ping"]);
    await refused.line(/muster\/rpi-7\/refused .*vic/);
  });
});
