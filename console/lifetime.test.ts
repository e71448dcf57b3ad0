import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "@photostructure/sqlite";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { Link } from "#shared/link";
import { startBroker } from "../test/broker.ts";
import {
  CountingBus,
  CountingClock,
  failing,
  lookAround,
  openFilesIn,
  thrownBy,
  type Start,
} from "../test/left-behind.ts";
import { freePort } from "../test/mosquitto.ts";
import { suite, type Scope } from "../test/suite.ts";
import { ClockDoubt } from "./clock/clock-doubt.ts";
import { FutureSamples } from "./clock/future-samples.ts";
import { Console } from "./console.ts";
import { Answers } from "./desk/answers.ts";
import { Desk } from "./desk/desk.ts";
import { Tasks } from "./desk/tasks.ts";
import { Inbox } from "./inbox.ts";
import { StoreLosses } from "./ingest/completeness/store-losses.ts";
import { Contract } from "./ingest/contract/contract.ts";
import { Ingest } from "./ingest/ingest.ts";
import { Spool } from "./ingest/spool/spool.ts";
import { Jobs } from "./jobs/jobs.ts";
import { Marks } from "./database/marks.ts";
import { Registry } from "./devices/registry.ts";
import { Removals } from "./devices/removals.ts";
import { Restored } from "./restored.ts";
import { Reporter } from "./self/reporter.ts";
import { SelfMetrics } from "./self/self-metrics.ts";
import { EmbeddedStore } from "./store/embedded.ts";
import { Publisher } from "./publisher.ts";

/** In the order of the start. */
const starts: readonly Start[] = [
  { of: ClockDoubt, by: "start" },
  { of: Removals, by: "start" },
  { of: Registry, by: "start" },
  { of: Contract, by: "start" },
  { of: Spool, by: "start" },
  { of: Ingest, by: "start" },
  { of: Inbox, by: "attach" },
  { of: Restored, by: "start" },
  { of: Tasks, by: "start" },
  { of: Desk, by: "start" },
  { of: Answers, by: "start" },
  { of: Jobs, by: "start" },
  { of: Restored, by: "begun" },
  { of: Removals, by: "begin" },
  { of: Publisher, by: "connected" },
  { of: EmbeddedStore, by: "start" },
  { of: StoreLosses, by: "settle" },
  { of: FutureSamples, by: "check" },
  { of: Publisher, by: "taking" },
  { of: Reporter, by: "start" },
  { of: SelfMetrics, by: "start" },
  { of: Marks, by: "start" },
];

async function place(scope: Scope) {
  const [directory, clock] = [join(await scope.directory(), "data"), new CountingClock()];
  return { directory, clock, log: silentLog };
}

suite("the console's lifetime", ({ test }) => {
  test(
    "a part's start fails, whichever: nothing is left, and the next start succeeds",
    async (scope) => {
      const { broker } = await startBroker(scope);
      const bus = new CountingBus(broker.local());
      const common = await place(scope);
      const { clock, directory } = common;
      for (const start of starts) {
        const what = `${start.of.name}'s ${start.by}`;
        const isAsBefore = await lookAround();
        const console = new Console({ ...common, bus });
        const mend = failing(start);
        const thrown = await thrownBy(() => console.start()).finally(mend);
        assert.match(thrown, `${start.by} fails`, what);
        assert.equal([clock.timers, bus.listeners], [0, 0], what);
        await console.stop();
        await isAsBefore();
      }
      // Of all at once: it takes a while.
      assert.equal(await openFilesIn(directory), []);
      const console = new Console({ ...common, bus });
      const isAsBefore = await lookAround();
      for (let times = 0; times < 2; times += 1) {
        await console.start();
        assert.ok(bus.listeners > 0 && clock.timers > 0);
        assert.is(await console.reachBroker(1_000), undefined);
        await Promise.all([console.stop(), console.stop()]);
        await console.stop();
        assert.equal([clock.timers, bus.listeners], [0, 0]);
        await isAsBefore();
      }
      assert.equal(await openFilesIn(directory), []);
    },
    { seconds: 40 },
  );

  test("with a link of its own, to a broker that is not there", async (scope) => {
    const common = await place(scope);
    const { clock, directory } = common;
    const url = `mqtt://127.0.0.1:${await freePort()}`;
    for (const start of [
      { of: Link, by: "start" },
      { of: Marks, by: "start" },
    ]) {
      const isAsBefore = await lookAround();
      const console = new Console({ ...common, url });
      const mend = failing(start);
      const thrown = await thrownBy(() => console.start()).finally(mend);
      assert.match(thrown, `${start.by} fails`);
      assert.is(clock.timers, 0);
      await isAsBefore();
      await console.start();
      assert.ok(await console.reachBroker(10));
      await console.stop();
      assert.equal([clock.timers, await openFilesIn(directory)], [0, []]);
      await isAsBefore();
    }
  });

  test("nothing in the directory is held by a start that the outside makes fail", async (scope) => {
    const common = await place(scope);
    const { clock, directory } = common;
    const { broker } = await startBroker(scope);
    const bus = new CountingBus(broker.local());
    const isAsBefore = await lookAround();
    assert.match(await thrownBy(() => new Console(common).start()), "needs the broker's url");
    assert.equal([clock.timers, await openFilesIn(directory)], [0, []]);
    const console = new Console({ ...common, bus });
    await console.start();
    await console.stop();
    for (const file of ["muster.db", "held.db", "spool.db", "metrics.db"]) {
      const setVersion = (by: number): void => {
        const database = new DatabaseSync(join(directory, file));
        const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
        database.exec(`PRAGMA user_version = ${version + by}`);
        database.close();
      };
      setVersion(1);
      assert.match(await thrownBy(() => console.start()), `${file} was written by a newer Muster`);
      assert.equal([clock.timers, bus.listeners], [0, 0], file);
      setVersion(-1);
      await console.start();
      await console.stop();
    }
    assert.equal(await openFilesIn(directory), []);
    const file = join(await scope.directory(), "data");
    await writeFile(file, "");
    assert.match(await thrownBy(() => new Console({ ...common, directory: file, bus }).start()), file);
    assert.equal([clock.timers, bus.listeners], [0, 0]);
    await isAsBefore();
  });
});
