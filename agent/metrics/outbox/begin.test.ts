import { cpSync, existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../../../test/suite.ts";
import { openOutbox } from "./fixture.ts";
import { maxOlderOutboxes } from "./outbox.ts";

suite("an outbox whose directory was put back or copied", ({ test }) => {
  test("lets go of what its own run has numbered alone", async (scope) => {
    const directory = await scope.directory();
    const first = openOutbox(scope, { directory, run: "r1" });
    await first.add(1, 2);
    await first.outbox.close();
    const second = openOutbox(scope, { directory, run: "r2" });
    await second.add(3, 4);
    const ack = (run: string | undefined, from: number, to: number): number =>
      second.outbox.ack({ outbox: second.id, run, ranges: [[from, to]] });
    assert.equal(
      second.waiting().map(({ run }) => run),
      ["r1", "r1", "r2", "r2"],
    );
    assert.is(ack("r3", 1, 4), 0, "the other one's");
    assert.is(ack("r1", 1, 4), 2);
    assert.equal(second.values(), [3, 4]);
    await second.outbox.close();
    const third = openOutbox(scope, { directory, run: "r4" });
    assert.is(third.outbox.ack({ outbox: third.id, run: "r2", ranges: [[3, 3]] }), 1, "after a restart too");
    assert.is(third.outbox.ack({ outbox: third.id, ranges: [[4, 4]] }), 1, "a console of before says no run");
  });

  test("begins a new one when it is told, and sends what it has under the old name", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    const { id } = one;
    await one.add(1, 2);
    one.begin("r0");
    one.begin("r1", "another");
    assert.is(one.taking, id, "another run, another outbox");
    one.begin();
    await one.add(3, 4);
    assert.equal(
      one.waiting().map(({ outbox, seq, m }) => [outbox === id, seq, m[0]?.f["value"]]),
      [
        [true, 1, 1],
        [true, 2, 2],
        [false, 1, 3],
        [false, 2, 4],
      ],
    );
    const next = one.taking;
    one.begin("r1", id);
    assert.is(one.taking, next, "told again of the old one");
    await one.outbox.close();

    const again = openOutbox(scope, { directory, run: "r2" });
    assert.equal(again.values(), [1, 2, 3, 4]);
    assert.is(again.outbox.ack({ outbox: id, run: "r1", ranges: [[1, 2]] }), 2);
    assert.equal(again.values(), [3, 4]);
    assert.is(again.taking, next);
    assert.is(readdirSync(join(directory, "outbox")).filter((name) => name.endsWith(".seg")).length, 0);
    await again.add(5);
    assert.equal(
      again.waiting().map(({ seq }) => seq),
      [1, 2, 3],
    );
    // And once more, when the new one is put back too.
    again.begin("r2");
    assert.is.not(again.taking, next);
    assert.is(again.outbox.ack({ outbox: next, ranges: [[1, 3]] }), 3);
    assert.not(existsSync(join(directory, "outbox", "2")));
    await again.add(6);
    await again.outbox.close();
    assert.equal(openOutbox(scope, { directory, run: "r3" }).values(), [6]);
  });

  test("an empty one is replaced at once, and nothing is left of it", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    await one.add(1);
    one.ack([1, 1]);
    one.begin();
    assert.is(one.outbox.queues.length, 2);
    await one.outbox.close();
    assert.equal(openOutbox(scope, { directory }).values(), []);
  });

  test("a copy that was taken while it changed over has all that was in it", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    await one.add(1, 2);
    one.begin();
    const copy = join(await scope.directory(), "copy");
    cpSync(directory, copy, { recursive: true });
    const other = openOutbox(scope, { directory: copy, run: "r2" });
    await other.add(3);
    assert.equal(other.values(), [1, 2, 3]);
  });

  test("what it gave up shares the bound with the new one, the oldest goes first", async (scope) => {
    const directory = await scope.directory();
    const maxBytes = 128 * 1024;
    const one = openOutbox(scope, { directory, maxBytes });
    const { id } = one;
    const large = (at: number): string => `${at} ${"x".repeat(3_000)}`;
    for (let at = 0; at < 30; at += 1) await one.add(large(at));
    one.begin();
    for (let at = 30; at < 60; at += 1) await one.add(large(at));
    const gaps = one.waiting().filter(({ dropped }) => dropped);
    assert.ok(gaps.length > 0 && gaps.every(({ outbox }) => outbox === id), "told by the old one");
    assert.ok(
      one.values().filter((value) => typeof value === "string" && Number(value.split(" ")[0]) >= 30).length === 30,
    );
    assert.ok(one.outbox.size.bytes <= maxBytes + 8_192, `${one.outbox.size.bytes} bytes`);
  });

  test("as many are begun as may wait, and no more until one is empty", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    for (let at = 0; at < maxOlderOutboxes; at += 1) {
      await one.add(at);
      one.begin();
    }
    const { taking } = one;
    await one.add(maxOlderOutboxes);
    one.begin();
    assert.equal([one.taking, one.outbox.queues.length], [taking, maxOlderOutboxes + 2]);
    one.ack([1, 1]);
    one.begin();
    assert.is.not(one.taking, taking);
  });
});
