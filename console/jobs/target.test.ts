import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { JobRefusedError } from "./job-errors.ts";
import { device, office, ping, says, thrown } from "./fixture.ts";
import type { JobRequest } from "./job.ts";

suite("whom a job serves", ({ test }) => {
  test("who does not offer it is in the table as rejected, and counts neither as canary nor for the abort", async (scope) => {
    const fleet = [device("a", { commands: { other: {} } }), device("b"), device("c"), device("d", { commands: null })];
    const { jobs, clock, succeed, sent, set } = await office(scope, { fleet });
    const { id } = jobs.create({ ...ping, canary: 1, abort: { failed: 0, min: 1 } }, "ann");
    const { rows, summary } = jobs.find(id)!;
    assert.equal(
      rows.map((row) => [row.device, row.state, row.canary]),
      [
        ["b", "waiting", true],
        ["c", "waiting", false],
        ["d", "waiting", false],
        ["a", "rejected", false],
      ],
    );
    says(rows[3]?.outcome, /a does not offer "ping"; it offers other/);
    assert.is(summary.counts.failed, 1);
    set("c", { commands: {} });
    clock.advance(0);
    succeed("b");
    clock.advance(10_000);
    succeed("d");
    assert.equal(
      sent().map((command) => command.device as string),
      ["b", "d"],
    );
    assert.equal(jobs.find(id)?.summary.counts.states, { succeeded: 2, rejected: 2 });
    assert.is(jobs.find(id)?.summary.state, "done");
    // One was not asked; the other was on its way to be, and had to be told.
    assert.is(jobs.find(id)?.summary.counts.skipped, 2);
    assert.is(
      jobs.find(id)?.summary.explain,
      "ended: 2 of 4 devices succeeded, 2 take no such command and were not asked; nothing to do",
    );
  });

  test("who was not asked has not failed, also of a job that is over and was read from the disk", async (scope) => {
    const fleet = [device("a", { commands: { other: {} } }), device("b"), device("c")];
    const { jobs, clock, succeed, fail } = await office(scope, { fleet });
    const { id } = jobs.create(ping, "ann");
    clock.advance(10_000);
    succeed("b");
    fail("c");
    const { counts, explain } = jobs.find(id)!.summary;
    assert.equal([counts.failed, counts.skipped], [2, 1]);
    says(
      explain,
      /^ended: 1 of 3 devices succeeded, 1 did not \(1 failed\), 1 takes no such command and was not asked; the/,
    );
  });

  test("what selects nothing, or nobody who takes it, is refused with a sentence", async (scope) => {
    const fleet = [device("a"), device("b", { commands: { other: {} } })];
    const { jobs } = await office(scope, { fleet });
    const cases: [Partial<JobRequest>, string, RegExp][] = [
      [{ target: { devices: ["a", "x", "y"] } }, "unknown-device", /no device "x", "y"/],
      [{ target: { devices: [] } }, "no-devices", /empty/],
      [{ target: { group: "lab" } }, "unknown-group", /no group "lab"; the groups are none yet/],
      [{ target: { where: "os=windows" } }, "no-devices", /no device fits os=windows/],
      [{ key: "pong" }, "no-takers", /none of the 2 devices offers "pong"; they offer other, ping, set-interval/],
      [{ key: "pong", target: { devices: ["a"] } }, "no-takers", /a does not offer "pong"/],
      [{ key: "set-interval", args: { seconds: 0 } }, "no-takers", /none of the 2 devices takes it: .*seconds/],
    ];
    for (const [changes, reason, message] of cases) {
      const error = thrown(() => jobs.create({ ...ping, ...changes }, "ann"));
      assert.is((error as JobRefusedError).reason, reason, error.message);
      assert.match(error.message, message);
    }
    assert.match(thrown(() => jobs.create({ ...ping, target: { where: "os=" } }, "ann")).message, /expected a value/);
    assert.equal(jobs.list(10), []);
  });

  test("groups select; devices that are online come first, listed ones as listed", async (scope) => {
    const fleet = [device("a", { online: false }), device("b"), device("c")];
    const { jobs } = await office(scope, { fleet });
    const order = (target: JobRequest["target"]): string[] =>
      jobs.find(jobs.create({ ...ping, target }, "ann").id)!.rows.map((row) => row.device);
    assert.equal(jobs.groups.set(parseDeviceId("a"), ["lab", "old", "lab"]), ["lab", "old"]);
    jobs.groups.set(parseDeviceId("c"), ["lab"]);
    assert.equal(order({ group: "lab" }), ["c", "a"]);
    assert.equal(order({ group: "old" }), ["a"]);
    assert.equal(order({ all: true }), ["b", "c", "a"]);
    assert.equal(order({ where: "id!=b" }), ["c", "a"]);
    assert.equal(order({ where: "group=lab online=true" }), ["c"]);
    assert.equal(order({ devices: ["c", "a", "b", "a"] }), ["c", "a", "b"]);
    assert.equal(jobs.groups.set(parseDeviceId("a"), []), []);
    assert.match(thrown(() => order({ group: "old" })).message, /no group "old"; the groups are lab/);
    assert.match(thrown(() => jobs.groups.set(parseDeviceId("a"), ["a b"])).message, /group "a b" is not valid/);
  });
});
