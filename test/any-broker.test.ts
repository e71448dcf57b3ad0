import * as assert from "uvu/assert";
import { systemClock, type Clock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { brokerKinds, startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const device = parseDeviceId("rpi-7");
const queued = { key: "count", by: "test", timeout: null, ttl: 120_000 };

/** A clock by which the agent's patience of 5 s with the console is over at once. */
const hasty: Clock = { ...systemClock, after: (ms, run) => systemClock.after(ms === 5_000 ? 50 : ms, run) };

for (const kind of brokerKinds) {
  suite(`no word but the console's over ${kind}`, ({ test }) => {
    test("what was cancelled does not run when the broker still has it and the console comes late", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const cancelled = ["one", "two", "three"].map(() => fleet.console.desk.submit(device, queued).id);
      for (const id of cancelled) fleet.console.desk.cancel(device, id, "ann");
      await eventually("their withdrawal", () => fleet.console.brokerConnected);
      const open = fleet.console.desk.submit(device, queued).id;
      await fleet.console.desk.kept({ device, id: open });
      await fleet.console.stop();
      // As a broker has it that was killed and went back to what it had saved.
      for (const id of cancelled) await restored(fleet, id);
      const begun: string[] = [];
      const agent = fleet.newAgent("rpi-7", { clock: hasty });
      agent.handle("count", { run: (_, { command }) => void begun.push(command.id) });
      let drained: (() => void) | undefined;
      agent.handle("live", { run: () => drained?.() });
      agent.start();
      // What is typed now begins when the 5 s are over: by then the others would have begun as well.
      await new Promise<void>((resolve) => {
        drained = resolve;
        void live(fleet, agent);
      });
      assert.equal(begun, []);
      await fleet.console.start();
      await eventually("the open one", () => fleet.console.desk.find(device, open)?.state === "succeeded");
      await fleet.console.send("rpi-7", { key: "report" });
      assert.equal(begun, [open]);
    });

    test("a task that waits for the word of a console which knows nothing of it is withdrawn, and one that runs is not", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const tasks = await fleet.sub(scope, "-t", "muster/rpi-7/cmd/+", "-t", "muster/rpi-7/refused");
      for (const [id, state] of Object.entries({ runs: "running", lost: "accepted" })) {
        const reply = ["-t", `muster/rpi-7/reply/${id}`, "-m", JSON.stringify({ id, state })];
        await fleet.pub(...reply, ...fleet.login("rpi-7"));
      }
      await tasks.line(/cmd\/lost \(null\)/);
      await tasks.line(/refused .*nothing is known here of a command \\"lost\\": it is withdrawn; send it anew/);
      assert.is(
        tasks.lines.some((line) => line.includes("cmd/runs")),
        false,
      );
    });

    test("a call has its end on the wire", async (scope) => {
      const fleet = await startFleet(scope, kind);
      const first = await fleet.agent();
      const tasks = await fleet.sub(scope, "-t", "muster/rpi-7/cmd/+");
      const { id, ts, expires } = fleet.console.desk.submit(device, { key: "report", by: "test", timeout: 400 });
      const line = await tasks.line(new RegExp(`cmd/${id} \\{`));
      assert.is(expires, null);
      assert.is((JSON.parse(line.slice(line.indexOf("{"))) as { expires: number }).expires, ts + 400);
      await first.stop();
    });
  });
}

/** Puts a task at the broker behind the console's back. */
async function restored(fleet: Fleet, id: string): Promise<void> {
  const task = { id, key: "count", ts: Date.now() - 1_000, expires: Date.now() + 60_000 };
  await fleet.pub("-r", "-t", `muster/rpi-7/cmd/${id}`, "-m", JSON.stringify(task));
}

/** A task that is published once the agent listens. */
async function live(fleet: Fleet, agent: { readonly runId: string }): Promise<void> {
  const born = ["-t", "muster/rpi-7/status", "-W", "5"];
  await eventually("its birth", async () =>
    (await runProgram("mosquitto_sub", [...fleet.login(), ...born, "-C", "1"])).out.includes(agent.runId),
  );
  await fleet.pub("-t", "muster/rpi-7/cmd/typed", "-m", "live");
}
