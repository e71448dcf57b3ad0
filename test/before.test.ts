import { readFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock, type Clock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { readBatch } from "#shared/messages/batch-reading";
import { readReply } from "#shared/messages/command-messages";
import { readStatus } from "#shared/messages/presence-messages";
import { openState } from "../console/state/state.ts";
import { startFleet } from "./fleet.ts";
import { eventually, suite } from "./suite.ts";

/** What an agent of the version before said, and its directory as a kill left it. */
const before = JSON.parse(readFileSync("test/before/said.json", "utf8")) as {
  readonly command: string;
  readonly said: readonly { readonly topic: string; readonly payload: string }[];
};
const device = parseDeviceId("rpi-7");
const messages = before.said.map(({ topic, payload }) => ({
  kind: topic.split("/")[2] ?? "",
  payload: Buffer.from(payload, "base64"),
}));

/** The world's clock, at the time of the recording: what is old is forgotten. */
function clockOf(recorded: number): Clock {
  const shift = systemClock.now() - recorded;
  return {
    now: () => systemClock.now() - shift,
    monotonic: () => systemClock.monotonic(),
    uptime: () => systemClock.uptime(),
    after: (ms, run) => systemClock.after(ms, run),
  };
}

suite("the version before", ({ test }) => {
  test("its messages read as they were meant", () => {
    const births = messages.filter(({ kind }) => kind === "status").map(({ payload }) => readStatus(payload));
    assert.equal(births.map(({ online }) => online).at(0), true);
    assert.equal(births.map(({ online }) => online).at(-1), false);
    const [birth] = births;
    assert.ok(birth?.online && birth.commands?.["set-interval"]?.args && birth.build === undefined);
    const replies = messages.filter(({ kind }) => kind === "reply").map(({ payload }) => readReply(payload).value);
    assert.ok(replies.length > 2 && replies.every(({ state }) => state === "succeeded"));
    const batches = messages.filter(({ kind }) => kind === "metrics").map(({ payload }) => readBatch(payload));
    assert.ok(batches.length > 2 && batches.every(({ m }) => m.some(({ n }) => n === "mem")));
  });

  test("its directory is gone on with: batches, settings and a command that its death interrupted", async (scope) => {
    const [first] = messages.filter(({ kind }) => kind === "status").map(({ payload }) => readStatus(payload));
    const clock = clockOf((first?.ts ?? 0) + 60_000);
    const directory = join(await scope.directory(), "agent");
    await cp("test/before/agent", directory, { recursive: true });
    const state = openState(await scope.directory(), clock);
    const fleet = await startFleet(scope, "embedded", { clock, state });
    const agent = fleet.newAgent(device, { directory, clock });
    agent.handle("exec:slow", { run: () => assert.unreachable("it was begun once") });
    agent.start();
    await fleet.sees(device, true);
    const seen = fleet.console.registry.get(device);
    assert.is(seen?.interval, 2_000);
    assert.is(seen?.collectors?.["net"], false);
    const { outbox } = readBatch(messages.find(({ kind }) => kind === "metrics")?.payload ?? Buffer.alloc(0));
    const stored = fleet.state.database.prepare("SELECT batches FROM outboxes WHERE device = ? AND outbox = ?");
    const batches = (): number => (stored.get(device, outbox) as { batches: number } | undefined)?.batches ?? 0;
    await eventually("its batches", () => batches() >= waiting);
    await fleet.pub("-r", "-t", `muster/${device}/cmd/${before.command}`, "-m", '{"key":"exec:slow"}');
    const known = (): ReturnType<typeof fleet.console.desk.list>[number] | undefined =>
      fleet.console.desk.list({ limit: 10 }).find(({ id }) => id === before.command);
    await eventually("its end", () => known()?.state === "interrupted");
    assert.is(known()?.error?.code, "agent-stopped");
  });
});

/** Batches in its outbox. */
const waiting = 8;
