import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { configurationHash } from "#shared/configuration";
import { parseCommandId } from "#shared/ids";
import { silentLog, type Log } from "#shared/log";
import { cuts, FaultyDisk, lay } from "../../test/faulty-disk.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { commandFilter } from "../commands/command-filter.ts";
import { configureCommand } from "./configure-command.ts";
import { configuredValues, machineFaults } from "./configured-values.ts";
import { Configuring, settingsPatience } from "./configuring.ts";
import { KeptConfiguration, maxTrialRuns } from "./kept-configuration.ts";

const harmless = { interval: "5s" };
const risky = { "mqtt-url": "mqtt://elsewhere:1883" };

/** An agent's settings over several runs of it: each reads anew what the one before has left. */
async function machine(scope: Scope) {
  const directory = await scope.directory();
  const clock = new ManualClock();
  const said: string[] = [];
  const run = () => {
    const kept = new KeptConfiguration({ directory, log: silentLog });
    const renewed: string[] = [];
    const configuring = new Configuring({
      kept,
      clock,
      log: silentLog,
      faults: ({ tags }) => (tags === "wrong" ? ["tags: this machine has none"] : []),
      told: () => null,
      renew: (why) => renewed.push(why),
    });
    configuring.begin();
    configuring.begun();
    const end = new AbortController();
    const take = (settings: Record<string, string>, command = "c1", version = 1): Promise<string> =>
      configuring
        .change({ version, settings }, { command, signal: end.signal, more: [] })
        .then((done) => JSON.stringify(done), String);
    return { kept, configuring, renewed, take, end };
  };
  return { directory, clock, run, said };
}

suite("an agent's settings from the console", ({ test }) => {
  test("hold with the next run, which answers their command; a second one of the same is answered at once", async (scope) => {
    const { run } = await machine(scope);
    const first = run();
    void first.take(harmless);
    assert.equal(first.renewed, ["other settings"]);
    const second = run();
    assert.equal(second.configuring.inForce, harmless);
    assert.is(await second.take(harmless), JSON.stringify({ version: 1, hash: configurationHash(harmless) }));
    assert.is(await second.take(harmless, "c2", 9), JSON.stringify({ version: 9, hash: configurationHash(harmless) }));
    assert.equal(second.configuring.reported, { config: { version: 9, hash: configurationHash(harmless) } });
    assert.equal(second.renewed, []);
  });

  test("that hold are found so by who only looks, and those that do not are not brought about by it", async (scope) => {
    const { run } = await machine(scope);
    const verify = ({ configuring }: ReturnType<typeof run>, settings: Record<string, string>): Promise<unknown> => {
      const command = { id: parseCommandId("c1"), key: "configure" };
      const handler = configureCommand(
        configuring,
        () => [],
        () => {},
      );
      const interruption = { command, begunRunId: "a", runId: "b", begunMachine: undefined, machine: undefined };
      return Promise.resolve(handler.verify?.({ version: 1, settings }, interruption)).catch(String);
    };
    void run().take(harmless);
    assert.equal(await verify(run(), harmless), { version: 1, hash: configurationHash(harmless) });
    const other = run();
    assert.match(String(await verify(other, { interval: "7s" })), /these settings do not hold/);
    assert.equal(other.renewed, []);
    void other.take(risky);
    const tried = run();
    const answer = verify(tried, risky);
    tried.configuring.greeted();
    assert.equal(await answer, { version: 1, hash: configurationHash(risky) });
  });

  test("are taken all or none: every fault is told, and what was holds", async (scope) => {
    const { run } = await machine(scope);
    const only = run();
    assert.match(await only.take({ interval: "x", tags: "wrong" }), /nothing was changed: interval is .*; tags/);
    assert.equal(only.renewed, []);
    assert.equal(run().configuring.inForce, {});
  });

  test("that may cut it off hold once the console has answered", async (scope) => {
    const { run, clock } = await machine(scope);
    void run().take(risky);
    const second = run();
    const answer = second.take(risky);
    assert.is(second.configuring.greeted(), true);
    assert.is(await answer, JSON.stringify({ version: 1, hash: configurationHash(risky) }));
    clock.advance(settingsPatience);
    assert.equal(second.renewed, []);
    assert.equal(run().configuring.inForce, risky);
  });

  test("else they go back after a minute, and their command says so, whichever run it asks", async (scope) => {
    const { run, clock } = await machine(scope);
    void run().take(harmless, "c0");
    void run().take(risky, "c1", 2);
    const third = run();
    clock.advance(settingsPatience - 1);
    assert.equal(third.renewed, []);
    clock.advance(1);
    assert.equal(third.renewed, ["settings rolled back"]);
    const fourth = run();
    assert.equal(fourth.configuring.inForce, harmless);
    assert.match(await fourth.take(risky, "c1", 2), /rolled-back|did not answer within 60 s/);
    const { config } = fourth.configuring.reported;
    assert.is(config?.hash, configurationHash(harmless));
    assert.equal([config?.failed?.version, config?.failed?.hash], [2, configurationHash(risky)]);
    // Another command for the same tries again.
    void fourth.take(risky, "c2", 2);
    assert.equal(run().configuring.inForce, risky);
  });

  test(`an agent that ends ${maxTrialRuns} times while it tries some goes back to those of before`, async (scope) => {
    const { run } = await machine(scope);
    void run().take(risky);
    for (let count = 0; count < maxTrialRuns; count += 1) assert.equal(run().configuring.inForce, risky);
    assert.equal(run().configuring.inForce, {});
  });

  test("one that cannot even begin with them goes back at once", async (scope) => {
    const { run } = await machine(scope);
    void run().take(risky);
    const second = run();
    assert.is(second.configuring.couldNotBegin(new Error("no such thing")), true);
    assert.match(await second.take(risky), /could not begin with them: no such thing/);
    assert.is(run().configuring.couldNotBegin(new Error("another")), false);
  });

  test("a file that does not read is put aside", async (scope) => {
    const { run, directory } = await machine(scope);
    writeFileSync(join(directory, "configuration.json"), '{"v":1,"current":{"version":-1}}');
    const { configuring } = run();
    assert.equal(configuring.inForce, {});
    assert.equal(configuring.reported, {});
  });

  test("what its card and its line may take is changed from afar as well", () => {
    const { values } = configuredValues({} as never, { "max-bytes-per-day": "5", "outbox-sync": "60s" });
    assert.equal(values, { maxBytesPerDay: 5 * 1024 * 1024, outboxSync: 60_000 });
  });

  test("of the machine's own lists the console can only make shorter ones, and what does not read is passed over", () => {
    const own = { allow: "ping,info,reboot", execAllow: undefined, interval: 1_000 };
    const { values, allow, ca } = configuredValues(own as never, { allow: "!reboot", interval: "?", nonsense: "1" });
    const offers = commandFilter(allow);
    assert.equal(
      ["ping", "info", "reboot", "pause", "configure"].map((key) => offers(key)),
      [true, true, false, false, true],
    );
    assert.is((values as typeof own).interval, 1_000);
    assert.is(ca, undefined);
    assert.is(commandFilter(["!configure"])("configure"), false);
  });
});

suite("a machine and a broker that the console names", ({ test }) => {
  const cases: [own: string, given: string, taken: boolean, more?: object][] = [
    ["mqtt://hub:1883", "mqtt://hub:1884", true],
    ["mqtt://hub:1883", "mqtts://HUB", true],
    ["mqtt://rpi-7:x@[::1]", "ws://[0:0::1]/mqtt", true],
    ["mqtt://hub:1883", "mqtt://elsewhere", false],
    ["mqtts://hub", "mqtts://hub.elsewhere", false],
    ["mqtts://hub", "mqtt://hub", false],
    ["wss://hub", "ws://hub", false],
    ["mqtts://hub", "wss://next", true, { remoteBrokers: ["next"] }],
    ["mqtts://hub", "ws://next", false, { remoteBrokers: ["next"] }],
    ["mqtts://hub", "mqtts://next", true, { certified: true }],
  ];
  for (const [mqttUrl, given, taken, more = {}] of cases)
    test(`${mqttUrl} ${JSON.stringify(more)} ${given}`, () => {
      const machine = { mqttUrl, remoteDirectories: [], remoteBrokers: [], certified: false, ...more };
      assert.is(machineFaults({ "mqtt-url": given }, machine).length, taken ? 0 : 1);
    });
});

suite("an agent's settings and a power cut", ({ test }) => {
  for (const end of ["confirm", "rollBack"] as const)
    test(`at each call of the disk, until they ${end}: there are those of before or the new ones, whole`, async (scope) => {
      const [root, after] = [await scope.directory(), await scope.directory()];
      const old = { version: 1, values: harmless };
      const next = { version: 2, values: risky };
      const work = (faulty: FaultyDisk): void => {
        for (let run = 0; run < 2; run += 1) {
          const kept = new KeptConfiguration({ directory: root, log: silentLog, disk: faulty.disk });
          kept.begin();
          if (run === 0) kept.take(next, "c2");
          else kept[end]("why");
        }
      };
      const before = new Map([["configuration.json", Buffer.from(JSON.stringify({ v: 1, current: old }))]]);
      let stops = 0;
      for (let at = 0, isOver = false; !isOver; at += 1) {
        lay(before, root);
        const faulty = new FaultyDisk(root, "crash", at);
        try {
          work(faulty);
        } catch {
          stops += 1;
        }
        isOver = !faulty.stopped;
        for (const cut of cuts) {
          lay(faulty.left(cut), after);
          const kept = new KeptConfiguration({ directory: after, log: loud });
          kept.begin();
          assert.ok(
            [old, next].some(({ values }) => configurationHash(values) === configurationHash(kept.inForce)),
            `${at}, ${cut}`,
          );
          // A trial that the cut has left is gone on with.
          kept.confirm();
          assert.equal(kept.trial, undefined);
          if (isOver) assert.equal(kept.current, end === "confirm" ? next : old);
        }
      }
      assert.ok(stops > 10, String(stops));
    });
});

const loud: Log = {
  ...silentLog,
  warn: (_, says) => assert.unreachable(says),
  error: (_, says) => assert.unreachable(says),
};
