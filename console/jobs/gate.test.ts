import * as assert from "uvu/assert";
import { parseFilter } from "#shared/filter/parse-filter";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { device, names, office, ping, says, thrown } from "./fixture.ts";
import { gateLooks, gateSettles, GateWatch, maxAwaited, maxCompared, maxGateLooks } from "./gate.ts";
import type { JobRow } from "./job.ts";

const gate = "mem.used_percent < 80 for 5m";
const hold = 300_000;
/** A command that says how it is taken back. */
const takesBack = { ping: { undo: "unping" }, unping: {} };

/** Values of devices by the place of the row, of which the first few were served. */
function watch(served: number, waiting: number, source = gate, canaries = 1, interval = 1_000) {
  const rows = Array.from({ length: served + waiting }, (_, position): JobRow => ({
    device: parseDeviceId(`d${position}`),
    position,
    canary: position < canaries,
    state: position < served ? "succeeded" : "waiting",
    command: null,
    sent: 0,
    taken: 0,
    ended: position < served ? 0 : null,
    outcome: null,
  }));
  const values = new Map<string, number | undefined>(rows.map(({ device: id }) => [id, 50]));
  let looks = 0;
  const watched = new GateWatch(
    parseFilter(source),
    (id) => () => ((looks += 1), values.get(id)),
    () => interval,
  );
  return { rows, values, looks: () => looks, look: (now: number) => watched.look(rows, now) };
}

suite("a gate", ({ test }) => {
  test("opens once the canaries have held it for its time, and is settled when all have", () => {
    const { look } = watch(2, 3);
    says(JSON.stringify(look(0)), /"waiting","why":"d0 has to hold mem/);
    assert.is(look(hold - 1).kind, "waiting");
    assert.equal(look(hold), { kind: "open", settled: true });
    const late = watch(2, 3, gate, 0);
    assert.equal(late.look(0), { kind: "open", settled: false });
    assert.equal(late.look(hold), { kind: "open", settled: true });
  });

  test("one that does not hold it holds up the others, and after its time stops the job, with the value", () => {
    const { values, look } = watch(2, 3);
    look(0);
    values.set("d1", 91.5);
    const held = look(hold);
    assert.is(held.kind === "waiting" && held.why, "d1 does not hold mem.used_percent < 80, and it is 91.5");
    assert.is(look(2 * hold - 1).kind, "waiting");
    const { kind, ...told } = look(2 * hold);
    assert.is(kind, "closed");
    says(
      JSON.stringify(told),
      /d1 does not hold mem.used_percent < 80, and it is 91.5, for 5m; 3 of 3 that have not had it do/,
    );
  });

  test("one that comes round in time stops nothing, and begins anew", () => {
    const { values, look } = watch(1, 3);
    values.set("d0", 90);
    look(0);
    look(hold - 1);
    values.set("d0", 50);
    assert.is(look(hold).kind, "waiting");
    assert.is(look(2 * hold - 1).kind, "waiting");
    assert.equal(look(2 * hold), { kind: "open", settled: true });
  });

  test("where the others do not hold it either, a person has to look", () => {
    const { values, look } = watch(1, 4);
    for (const id of ["d0", "d1", "d2", "d3"]) values.set(id, 95);
    look(0);
    const { kind, ...told } = look(hold);
    assert.is(kind, "elsewhere");
    says(JSON.stringify(told), /but of 4 devices without it only 1 hold it/);
  });

  test("no value: a device has a minute until it holds the others up, and as long as the gate until it stops the job", () => {
    const { values, look } = watch(2, 1, "mem.used_percent < 80", 0);
    values.set("d1", undefined);
    assert.equal(look(0), { kind: "open", settled: false });
    assert.is(look(gateSettles - 1).kind, "open");
    const last = look(gateSettles);
    assert.is(last.kind, "closed");
    says(JSON.stringify(last), /d1 does not hold mem.used_percent < 80, and there is no value, for 1m/);
  });

  test("one that samples seldom has two of its intervals for its first values, and no longer than may be waited", () => {
    for (const interval of [120_000, maxAwaited]) {
      const { values, look } = watch(2, 1, "mem.used_percent < 80", 0, interval);
      const patience = Math.min(2 * interval, maxAwaited);
      values.set("d1", undefined);
      look(0);
      assert.is(look(patience - 1).kind, "open");
      assert.is(look(patience).kind, "closed");
    }
    const { values, look } = watch(2, 1, "mem.used_percent < 80", 0, 120_000);
    values.set("d1", 97);
    look(0);
    assert.is(look(gateSettles).kind, "closed", "a bad value is a value");
  });

  test("a look is at the canaries and so many others, by turns, and compares so many", () => {
    const { values, look, looks } = watch(maxGateLooks * 2 + 1, maxCompared + 10);
    look(0);
    assert.is(looks(), maxGateLooks + 1);
    values.set(`d${maxGateLooks * 2}`, 99);
    assert.is(look(1).kind, "waiting");
    assert.equal(looks(), 2 * (maxGateLooks + 1));
    look(hold + 1);
    const before = looks();
    assert.is(look(hold + 2).kind, "closed");
    assert.is(looks() - before, maxGateLooks + 1 + maxCompared);
  });
});

suite("a job with a gate", ({ test }) => {
  test("goes on while it holds, and is done when all have held it", async (scope) => {
    const { jobs, clock, sent, succeed, tells } = await office(scope, { fleet: names(3).map((id) => device(id)) });
    for (const id of names(3)) tells(id, 50);
    const { id } = jobs.create({ ...ping, gate: "mem.used_percent < 80 for 1m", canary: 1 }, "ann");
    clock.advance(1_000);
    succeed("d0");
    clock.advance(30_000);
    assert.is(sent().length, 1);
    says(jobs.find(id)?.summary.explain, /the gate holds it up: d0 does not hold .* there is no value; 2 devices wait/);
    tells("d0", 60);
    clock.advance(50_000);
    assert.is(sent().length, 1);
    tells("d0", 61);
    clock.advance(20_000);
    assert.is(sent().length, 3);
    succeed("d1", "d2");
    for (const one of names(3)) tells(one, 50);
    clock.advance(gateLooks);
    assert.is(jobs.find(id)?.summary.state, "running");
    clock.advance(60_000 + gateLooks);
    assert.is(jobs.find(id)?.summary.state, "done");
  });

  test("stops where it does not hold, and has those go back that have had it, once", async (scope) => {
    const fleet = names(3).map((id) => device(id, { commands: takesBack }));
    const { jobs, clock, sent, succeed, tells } = await office(scope, { fleet });
    for (const id of names(3)) tells(id, 50);
    const { id } = jobs.create({ ...ping, gate: "mem.used_percent < 80", canary: 1 }, "ann");
    clock.advance(1_000);
    succeed("d0");
    clock.advance(1_000);
    tells("d0", 97);
    clock.advance(gateSettles + 2 * gateLooks);
    const { summary } = jobs.find(id) ?? {};
    assert.is(summary?.state, "aborted");
    says(
      summary?.why,
      /^d0 does not hold mem.used_percent < 80, and it is 97, for .*; 2 of 2 .* do; the 1 that have had it are told to go back, by unping in job/,
    );
    clock.advance(10_000);
    const back = sent().filter(({ key }) => key === "unping");
    assert.equal(
      back.map(({ device: to, args }) => [to, args]),
      [["d0", { of: id }]],
    );
    assert.is(jobs.list(10).length, 2);
  });

  test("waits for a person where the others do not hold it either", async (scope) => {
    const { jobs, clock, succeed, tells } = await office(scope, { fleet: names(3).map((id) => device(id)) });
    for (const id of names(3)) tells(id, 50);
    const { id } = jobs.create({ ...ping, gate: "mem.used_percent < 80", canary: 1 }, "ann");
    clock.advance(1_000);
    succeed("d0");
    clock.advance(1_000);
    for (const one of names(3)) tells(one, 97);
    clock.advance(gateSettles + 2 * gateLooks);
    says(jobs.find(id)?.summary.explain, /^paused: d0 does not hold .*; but of 2 devices without it only 0 hold it/);
  });

  test("is refused where its gate does not read, or names what no device tells", async (scope) => {
    const { jobs, tells } = await office(scope);
    tells("d0", 50);
    assert.match(
      thrown(() => jobs.create({ ...ping, gate: "mem.used_percent <" }, "ann")).message,
      /character 19: expected a value/,
    );
    assert.match(
      thrown(() => jobs.create({ ...ping, gate: "mem.used < 5" }, "ann")).message,
      /none of the devices tells it/,
    );
    assert.is(jobs.list(10).length, 0);
  });

  test("goes on after the console's restart, and counts its time anew", async (scope) => {
    const first = await office(scope, { fleet: names(2).map((id) => device(id)) });
    first.tells("d0", 50);
    const { id } = first.jobs.create({ ...ping, gate: "mem.used_percent < 80 for 1m", canary: 1 }, "ann");
    first.clock.advance(1_000);
    first.succeed("d0");
    first.clock.advance(gateLooks);
    first.stop();
    const { jobs, clock, sent, tells } = await office(scope, {
      fleet: names(2).map((name) => device(name)),
      directory: first.directory,
      clock: first.clock,
    });
    tells("d0", 50);
    clock.advance(50_000);
    assert.is(sent().length, 1);
    clock.advance(20_000);
    assert.is(sent().length, 2);
    says(jobs.find(id)?.summary.state, /running/);
  });
});
