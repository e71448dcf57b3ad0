import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { DirectoryLock } from "#disk/directory-lock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { CountingClock, failing, lookAround, openFilesIn, thrownBy, type Start } from "../test/left-behind.ts";
import { freePort } from "../test/mosquitto.ts";
import { eventually, suite, type Scope } from "../test/suite.ts";
import { Agent } from "./agent.ts";
import { Ledger } from "./commands/ledger.ts";
import { Instance } from "./instance.ts";
import { Outbox } from "./metrics/outbox/outbox.ts";
import { Sampler } from "./metrics/sampler.ts";
import { MetricsSocket } from "./own/socket.ts";
import { OwnMetrics } from "./own/own-metrics.ts";

/** In the order of the start. */
const starts: readonly Start[] = [
  { of: DirectoryLock, by: "acquire" },
  { of: Instance, by: "start" },
  { of: Outbox, by: "start" },
  { of: Ledger, by: "start" },
  { of: Instance, by: "keep" },
  { of: Link, by: "subscribe" },
  { of: Link, by: "onConnection" },
  { of: Link, by: "start" },
  { of: MetricsSocket, by: "start" },
  { of: OwnMetrics, by: "start" },
  { of: Sampler, by: "start" },
];

async function place(scope: Scope) {
  const directory = await scope.directory();
  const clock = new CountingClock();
  const url = `mqtt://127.0.0.1:${await freePort()}`;
  const metricsSocket = join(directory, "metrics.sock");
  const options = { device: "rpi-7", url, password: "p", directory, metricsSocket, log: silentLog, clock };
  /** Files that say that somebody is at work, or let others in. */
  const claims = (): string[] => readdirSync(directory).filter((name) => /^lock|sock$/.test(name));
  return { options, clock, directory, claims };
}

suite("the agent's lifetime", ({ test }) => {
  test("a part's start fails, whichever: nothing is left, and another agent can have the directory", async (scope) => {
    const { options, clock, directory, claims } = await place(scope);
    for (const start of starts) {
      const what = `${start.of.name}'s ${start.by}`;
      const isAsBefore = await lookAround();
      const agent = new Agent(options);
      const mend = failing(start);
      const thrown = await thrownBy(() => agent.start()).finally(mend);
      assert.match(thrown, `${start.by} fails`, what);
      await eventually(`the end of what stood before ${what}`, () => claims().length === 0);
      await isAsBefore();
      assert.equal([clock.timers, await openFilesIn(directory)], [0, []], what);
      await Promise.all([agent.stop(), agent.stop()]);
      assert.is(await agent.finished, "stopped");
    }
    const isAsBefore = await lookAround();
    const agent = new Agent(options);
    agent.start();
    assert.ok(clock.timers > 0 && claims().length === 2);
    await Promise.all([agent.stop(), agent.stop()]);
    await agent.stop();
    assert.equal([clock.timers, await openFilesIn(directory), claims()], [0, [], []]);
    await isAsBefore();
  });

  test("kept from its directory by another agent, it starts when that one is gone", async (scope) => {
    const { options, clock, directory, claims } = await place(scope);
    const isAsBefore = await lookAround();
    const other = new DirectoryLock("agent", directory, silentLog);
    other.acquire();
    const agent = new Agent(options);
    assert.match(await thrownBy(() => agent.start()), "another agent");
    assert.equal([clock.timers, await openFilesIn(directory), claims().length], [0, [], 1]);
    other.release();
    const beside = new Agent(options);
    agent.start();
    assert.match(await thrownBy(() => beside.start()), "another agent");
    await beside.stop();
    assert.is(claims().length, 2, "who was not let in takes nothing of who is there");
    await agent.stop();
    assert.equal([clock.timers, await openFilesIn(directory), claims()], [0, [], []]);
    await isAsBefore();
  });

  test("what stands in place of its outbox ends the start, and nothing else: the next agent has the directory", async (scope) => {
    const { options, clock, directory, claims } = await place(scope);
    const isAsBefore = await lookAround();
    writeFileSync(join(directory, "outbox"), "");
    const agent = new Agent(options);
    assert.match(await thrownBy(() => agent.start()), "cannot use the outbox");
    await eventually("the lock's end", () => claims().length === 0);
    assert.equal([clock.timers, await openFilesIn(directory)], [0, []]);
    rmSync(join(directory, "outbox"));
    const next = new Agent(options);
    next.start();
    await next.stop();
    await isAsBefore();
  });

  test("a stop before any start is none", async (scope) => {
    const { options, clock, directory } = await place(scope);
    const isAsBefore = await lookAround();
    const agent = new Agent(options);
    await agent.stop();
    assert.is(await agent.finished, "stopped");
    assert.equal([clock.timers, readdirSync(directory)], [0, []]);
    await isAsBefore();
  });
});
