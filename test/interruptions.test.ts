import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Command } from "../console/desk/command.ts";
import { brokerKinds } from "./fleet.ts";
import { mortal } from "./mortal.ts";
import { eventually, suite } from "./suite.ts";

for (const kind of brokerKinds) {
  suite(`interrupted commands over ${kind}`, ({ test }) => {
    test(
      "what its handler says about an interruption is done",
      async (scope) => {
        const { ended, effects } = await mortal(scope, kind);
        const cases: [string, "before" | "after", Command["state"], number][] = [
          ["fail", "before", "interrupted", 0],
          ["fail", "after", "interrupted", 1],
          ["verify", "before", "failed", 0],
          ["verify", "after", "succeeded", 1],
          ["rerun", "after", "succeeded", 2],
        ];
        for (const [key, die, state, count] of cases) {
          const command = await ended(key, { die });
          assert.is(command.state, state, `${key} ${die}: ${JSON.stringify(command.error)}`);
          assert.is(effects(command.id), count, `${key} ${die}`);
        }
      },
      { seconds: 60 },
    );

    test(
      "a task that takes the agent down three times is quarantined, and the agent stays up",
      async (scope) => {
        const { ended, effects, starts, fleet } = await mortal(scope, kind);
        const command = await ended("deadly");
        assert.is(command.state, "rejected");
        assert.is(command.error?.code, "quarantined");
        assert.is(effects(command.id), 3);
        assert.is(starts(), 4);
        assert.is((await fleet.console.send("rpi-7", { key: "ping" })).state, "succeeded");
      },
      { seconds: 60 },
    );

    test(
      "restart answers after coming back, with the new boot id; a reboot that did not happen fails",
      async (scope) => {
        const { ended, kill, fleet } = await mortal(scope, kind);
        const before = fleet.console.registry.get("rpi-7")?.boot;
        const command = await ended("restart");
        assert.is(command.state, "succeeded");
        const { boot, before: told } = command.result as { boot: string; before: string };
        assert.is(told, before);
        assert.is(boot, fleet.console.registry.get("rpi-7")?.boot);
        assert.is.not(boot, before);
        const rebooting = ended("reboot");
        await eventually("reboot begins", () => fleet.console.desk.list({ state: "running" }).length === 1);
        await kill();
        const reboot = await rebooting;
        assert.is(reboot.state, "failed");
        assert.is(reboot.error?.code, "not-rebooted");
      },
      { seconds: 60 },
    );

    test(
      "killed with a long command and others waiting: one is interrupted, the others run once, in order",
      async (scope) => {
        const { fleet, kill, effects, directory } = await mortal(scope, kind);
        const order = { key: "slow", by: "test", timeout: null, ttl: 60_000 };
        const device = fleet.console.registry.get("rpi-7")!.id;
        const first = fleet.console.desk.submit(device, { ...order, args: { ms: 5_000 } });
        const others = Array.from(
          { length: 5 },
          () => fleet.console.desk.submit(device, { ...order, args: { ms: 1 } }).id,
        );
        await eventually("the first runs", () => fleet.console.desk.withId(first.id)[0]?.state === "running");
        await kill();
        await eventually(
          "all ended",
          () => others.every((id) => fleet.console.desk.withId(id)[0]?.state === "succeeded"),
          20,
        );
        assert.is(fleet.console.desk.withId(first.id)[0]?.state, "interrupted");
        assert.is(effects(first.id), 0);
        assert.equal(readFileSync(join(directory, "effects"), "utf8").trim().split("\n"), others);
      },
      { seconds: 60 },
    );
  });
}
