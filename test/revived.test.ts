import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { search } from "../console/audit/search.ts";
import { Agent } from "../agent/agent.ts";
import { Broker } from "../broker/broker.ts";
import { Console } from "../console/console.ts";
import { answerWithin } from "../console/desk/doubts.ts";
import { explainCommand } from "../console/desk/explain-command.ts";
import { heardLaterBy } from "../console/restored.ts";
import { openForReading, openForWriting } from "../console/database/database.ts";
import { closeDatabase } from "../console/database/group-sync.ts";
import { systemClock, type Clock } from "#shared/clock";
import { parseDeviceId, type DeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { freePort } from "./mosquitto.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { copyDirectory } from "./copy.ts";

const [one, other] = [parseDeviceId("rpi-7"), parseDeviceId("rpi-8")];
/** Nobody waits for an answer that does not come as long as in earnest. */
const clock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms === answerWithin ? 500 : ms, run),
};

/** Consoles with their brokers one after the other on one directory, and agents that live meanwhile and that count what they carry out. */
async function place(scope: Scope) {
  const directory = await scope.directory();
  const port = await freePort();
  let broker: Broker | undefined;
  scope.cleanup(() => broker?.stop());
  const effects = new Map<string, number>();
  let console: Console | undefined;
  scope.cleanup(() => console?.stop());
  const homes = new Map([
    [one, await scope.directory()],
    [other, await scope.directory()],
  ]);
  return {
    directory,
    effects,
    agent: (device: DeviceId): Agent => {
      const agent = new Agent({
        device,
        url: `mqtt://127.0.0.1:${port}`,
        password: "x",
        collectors: [],
        directory: homes.get(device) ?? "",
      });
      scope.cleanup(() => agent.stop());
      const carryOut = (_: unknown, { command }: { command: { id: string } }): void =>
        void effects.set(command.id, (effects.get(command.id) ?? 0) + 1);
      agent.handle("count", { run: carryOut });
      agent.handle("again", { run: carryOut, onInterrupt: "rerun" });
      agent.start();
      return agent;
    },
    start: async (): Promise<Console> => {
      broker = new Broker({
        listen: "127.0.0.1",
        port,
        root: "muster",
        authenticate: async (name) => ({ role: "device", name }),
        clock: systemClock,
        log: silentLog,
      });
      console = new Console({ directory, bus: broker.local(), clock, log: silentLog });
      await console.start();
      await broker.start();
      return console;
    },
    stop: async (): Promise<void> => {
      await broker?.stop();
      await console?.stop();
      [broker, console] = [undefined, undefined];
    },
  };
}

const queue = (console: Console, device: DeviceId, key: string): string =>
  console.desk.submit(device, { key, by: "ann", timeout: null, ttl: 3_600_000 }).id;
const stateOf = (console: Console, device: DeviceId, id: string): string | undefined =>
  console.desk.find(device, id as never)?.state;
const online = (console: Console, device: DeviceId, is: boolean): Promise<unknown> =>
  eventually(`${device} ${is ? "online" : "offline"}`, () => console.registry.get(device)?.online === is);

suite("commands that were queued in an older copy of the console's state", ({ test }) => {
  test("muster.db alone put back: what was cancelled since never runs, what was done since is told, jobs wait", async (scope) => {
    const { directory, effects, agent, start, stop } = await place(scope);
    const backup = join(await scope.directory(), "muster.db");
    const first = await start();
    const introduced = agent(one);
    await online(first, one, true);
    await introduced.stop();
    await online(first, one, false);
    const [cancelled, done] = [queue(first, one, "again"), queue(first, one, "count")];
    const order = { key: "again", args: {}, rate: 1, canary: 0, abort: null, timeout: null, ttl: 3_600_000 };
    const job = first.jobs.create({ ...order, target: { devices: [one] } }, "ann");
    await stop();
    cpSync(join(directory, "muster.db"), backup);

    const second = await start();
    second.desk.cancel(one, cancelled as never, "ann");
    second.jobs.cancel(job.id, "ann");
    const worker = agent(one);
    await eventually("it is done", () => stateOf(second, one, done) === "succeeded");
    await worker.stop();
    await stop();
    cpSync(backup, join(directory, "muster.db"));

    const third = await start();
    assert.match(
      third.damage.list(1)[0]?.why ?? "",
      /was put back to a copy of .*it ends as interrupted; jobs that ran/,
    );
    const held = third.desk.find(one, cancelled as never);
    assert.is(held?.state, "queued");
    assert.match(
      held ? explainCommand(held, third.registry.get(one)) : "",
      /^held: .*rpi-7 is asked .* when it is back/,
    );
    const paused = third.jobs.find(job.id)?.summary;
    assert.equal([paused?.state, /put back to a copy/.test(paused?.why ?? "")], ["paused", true]);
    // As a restart in between leaves it.
    await stop();
    const fourth = await start();
    assert.is(fourth.damage.count(), 1);
    agent(one);
    await eventually("it is told again", () => stateOf(fourth, one, done) === "succeeded");
    await eventually("nobody knows of it", () => stateOf(fourth, one, cancelled) === "interrupted");
    const ended = fourth.desk.find(one, cancelled as never);
    assert.equal([ended?.error?.code, ended?.late], ["restored", undefined]);
    assert.match(ended?.error?.message ?? "", /put back to an older copy: .*send it again if it is still wanted/);
    await eventually("the job's, too", () => fourth.jobs.find(job.id)?.rows[0]?.state === "interrupted");
    assert.equal([...effects], [[done, 1]]);
    // What is sent from now on is as ever.
    const fresh = queue(fourth, one, "again");
    await eventually("a new one", () => stateOf(fourth, one, fresh) === "succeeded");
  });

  test("the whole directory put back: a device that has heard more tells it, before anything is shown to another", async (scope) => {
    const { directory, effects, agent, start, stop } = await place(scope);
    const backup = await scope.directory();
    const first = await start();
    const introduced = agent(other);
    await online(first, other, true);
    await introduced.stop();
    await online(first, other, false);
    const cancelled = queue(first, other, "again");
    await stop();
    copyDirectory(directory, backup);
    // A copy of an hour ago.
    const database = openForWriting(join(backup, "muster.db"));
    const ago = heardLaterBy + 60_000;
    database.exec(
      `UPDATE mark SET at = at - ${ago}; UPDATE clock SET moment = moment - ${ago}, again = moment - ${ago}`,
    );
    closeDatabase(database);

    const second = await start();
    agent(one);
    await online(second, one, true);
    second.desk.cancel(other, cancelled as never, "ann");
    await eventually("it has heard the console", async () => second.send(one, { key: "again" }));
    await stop();
    rmSync(directory, { recursive: true });
    copyDirectory(backup, directory);

    const third = await start();
    assert.is(third.damage.count(), 0);
    assert.is(stateOf(third, other, cancelled), "queued");
    await eventually("it is told", () => third.damage.count() === 1);
    assert.match(third.damage.list(1)[0]?.why ?? "", /put back to a copy of .*: rpi-7 has heard this console at /);
    const kept = openForReading(join(directory, "muster.db"));
    scope.cleanup(() => kept.close());
    const [entry] = [...search(kept, { what: "data.set-back" })];
    assert.match(JSON.stringify(entry), /"on":"muster\.db".*rpi-7 has heard this console at /);
    agent(other);
    await eventually("it ends", () => stateOf(third, other, cancelled) === "interrupted");
    assert.is(effects.get(cancelled), undefined);
  });

  test("a console that was away for long, and is no copy, carries out what waited", async (scope) => {
    const { directory, effects, agent, start, stop } = await place(scope);
    const first = await start();
    const introduced = agent(one);
    await online(first, one, true);
    await introduced.stop();
    await online(first, one, false);
    const waiting = queue(first, one, "again");
    await stop();
    const database = openForWriting(join(directory, "muster.db"));
    const ago = heardLaterBy + 60_000;
    database.exec(
      `UPDATE mark SET at = at - ${ago}; UPDATE clock SET moment = moment - ${ago}, again = moment - ${ago}`,
    );
    closeDatabase(database);
    const second = await start();
    agent(one);
    await eventually("it is done", () => stateOf(second, one, waiting) === "succeeded");
    assert.equal([effects.get(waiting), second.damage.count()], [1, 0]);
  });
});
