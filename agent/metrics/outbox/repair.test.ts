import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import type { Batch } from "#shared/messages/metrics";
import { eventually, suite, type Scope } from "../../../test/suite.ts";
import { openOutbox, quickDirectory, TestOutbox } from "./fixture.ts";
import { maxSegmentBytes } from "./segment-file.ts";

const home = (directory: string): string => join(directory, "outbox");
const names = (directory: string): string[] => readdirSync(home(directory)).sort();
const segments = (directory: string): string[] => names(directory).filter((name) => name.endsWith(".seg"));
const pathOf = (directory: string, name: string | undefined): string => join(home(directory), name ?? "");

const numbers = (gap: Batch["dropped"]): number[] =>
  gap ? Array.from({ length: gap.to - gap.from + 1 }, (_, at) => gap.from + at) : [];

/** An outbox that was filled and left as a kill leaves it. */
async function filled(scope: Scope, batches: number, text = ""): Promise<{ directory: string; id: string }> {
  const directory = await scope.directory();
  const one = openOutbox(scope, { directory, maxBytes: 64 * 1024 });
  for (let at = 1; at <= batches; at++) await one.add(`${at}${text}`);
  return { directory, id: one.id };
}

/** Opens, looks, appends one batch, looks again after another opening. */
async function reopened(directory: string): Promise<{ before: number[]; next: number; after: number[]; id: string }> {
  const clock = new ManualClock();
  const first = new TestOutbox({ directory }, clock);
  first.outbox.start();
  const before = first.values().map(Number);
  await first.add("1000");
  const next = first.waiting().find(({ m }) => m[0]?.f["value"] === "1000")?.seq ?? 0;
  const { id } = first;
  await first.outbox.close();
  const second = new TestOutbox({ directory }, clock);
  second.outbox.start();
  const after = second.values().map(Number);
  await second.outbox.close();
  return { before, next, after, id };
}

suite("damage to the outbox", ({ test }) => {
  test(
    "cut off at any byte, it opens, has every whole batch, and gives no number again that was sent",
    async (scope) => {
      const { directory, id } = await filled(scope, 4);
      const [name] = segments(directory);
      const whole = readFileSync(pathOf(directory, name));
      const copy = await quickDirectory(scope);
      let most = 0;
      for (let end = 0; end <= whole.length; end++) {
        rmSync(home(copy), { recursive: true, force: true });
        mkdirSync(home(copy));
        writeFileSync(pathOf(copy, name), whole.subarray(0, end));
        const found = await reopened(copy);
        const kept = found.before.length;
        assert.equal(found.before, [1, 2, 3, 4].slice(0, kept), `at ${end}`);
        assert.ok(kept >= most, `at ${end}`);
        most = Math.max(most, kept);
        // Where not even the header is left, nothing can have been sent, and the numbers begin under another id.
        assert.is(found.next, kept + 1, `at ${end}`);
        if (kept > 0) assert.is(found.id, id);
        assert.equal(found.after, [...found.before, 1_000], `at ${end}`);
        assert.is(names(copy).filter((one) => one.includes("damaged")).length, 0, `at ${end}`);
      }
      assert.is(most, 4);
    },
    { seconds: 60 },
  );

  test("a tail that got its length but not its content is cut as well", async (scope) => {
    const { directory } = await filled(scope, 6, "x".repeat(300));
    const path = pathOf(directory, segments(directory)[0]);
    const whole = readFileSync(path);
    for (const zeros of [whole.length, Math.floor(whole.length / 512 - 1) * 512]) {
      const bytes = Buffer.concat([whole.subarray(0, zeros), Buffer.alloc(4_096)]);
      writeFileSync(path, bytes);
      const one = openOutbox(scope, { directory });
      const { seqs } = one;
      assert.equal(one.gaps(), []);
      assert.equal(
        seqs,
        Array.from({ length: seqs.length }, (_, at) => at + 1),
      );
      assert.ok(seqs.length >= 4, String(seqs.length));
      await one.outbox.close();
    }
  });

  test(
    "a flipped bit anywhere costs one batch at most: it is told, the file kept beside, no number given again",
    async (scope) => {
      const { directory, id } = await filled(scope, 4);
      const [name] = segments(directory);
      const whole = readFileSync(pathOf(directory, name));
      const copy = await quickDirectory(scope);
      for (let at = 0; at < whole.length; at += 1) {
        rmSync(home(copy), { recursive: true, force: true });
        mkdirSync(home(copy));
        const bytes = Buffer.from(whole);
        bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        writeFileSync(pathOf(copy, name), bytes);
        const one = new TestOutbox({ directory: copy });
        one.outbox.start();
        const kept = one.values().map(Number);
        assert.ok(kept.length >= 3, `at ${at}: ${String(kept)}`);
        assert.is(one.id, id, `at ${at}`);
        await one.add("5");
        const lost = [1, 2, 3, 4].filter((seq) => !kept.includes(seq));
        if (lost.length > 0) await eventually("the gap", () => one.gaps().length === 1);
        const told = one.gaps()[0];
        for (const seq of lost) assert.ok(told && told.from <= seq && seq <= told.to, `at ${at}: ${seq} is told`);
        for (const seq of kept) assert.not(told && told.from <= seq && seq <= told.to, `at ${at}: ${seq} is there`);
        assert.ok(Math.min(...one.seqs.slice(kept.length)) > 4, `at ${at}: no number again`);
        assert.is(names(copy).filter((other) => other.includes(".damaged-")).length, 1, `at ${at}`);
        await one.outbox.close();
        const again = new TestOutbox({ directory: copy });
        again.outbox.start();
        assert.equal(again.values().map(Number), [...kept, 5], `at ${at}`);
        assert.is(again.gaps().length, lost.length > 0 ? 1 : 0, `at ${at}`);
        await again.outbox.close();
      }
    },
    { seconds: 120 },
  );

  test("what no file of the outbox can be is moved beside; its numbers are told and not given again", async (scope) => {
    const large = (path: string): void => (writeFileSync(path, ""), truncateSync(path, maxSegmentBytes + 1));
    for (const place of [mkdirSync, large]) {
      const { directory, id } = await filled(scope, 4);
      const [name = ""] = segments(directory);
      const next = join(home(directory), name.replace("1.seg", "5.seg"));
      place(next);
      const one = openOutbox(scope, { directory });
      assert.equal([one.id, ...one.values()], [id, "1", "2", "3", "4"]);
      await one.add("5");
      await eventually("the gap", () => one.gaps().length === 1);
      assert.is(one.gaps()[0]?.from, 5);
      assert.ok((one.seqs.at(-1) ?? 0) > (one.gaps()[0]?.to ?? 0), String(one.seqs));
      assert.is(names(directory).filter((other) => other.includes(".damaged-")).length, 1);
      await one.outbox.close();
      assert.equal(openOutbox(scope, { directory }).values(), ["1", "2", "3", "4", "5"]);
    }
  });

  test("a file that something else takes the place of while the agent runs is told as gone", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    await one.add("1", "2");
    const path = pathOf(directory, segments(directory)[0]);
    rmSync(path);
    execFileSync("mkfifo", [path]);
    assert.equal(one.values(), []);
    await eventually("the gap", () => one.gaps().length === 1);
    assert.equal([one.gaps()[0]?.from, one.gaps()[0]?.to], [1, 2]);
    await one.add("3");
    assert.equal(one.values(), ["3"]);
  });

  test("killed before the loss was told, it is told at the next start", async (scope) => {
    const { directory } = await filled(scope, 4);
    const path = pathOf(directory, segments(directory)[0]);
    const bytes = readFileSync(path);
    const at = bytes.indexOf("\x65value\x612") + 6; // the second batch's value
    bytes[at + 1] = 0x39;
    writeFileSync(path, bytes);
    // Opening repairs at once and tells a moment later: this copy is of the moment between.
    const one = new TestOutbox({ directory });
    one.outbox.start();
    const between = await scope.directory();
    cpSync(home(directory), home(between), { recursive: true });
    await one.outbox.close();
    const again = openOutbox(scope, { directory: between });
    assert.equal(again.values(), ["1", "3", "4"]);
    await eventually("the gap", () => again.gaps().length === 1);
    assert.equal(again.gaps(), [{ from: 2, to: 2, why: "damaged on disk" }]);
    await again.outbox.close();
    assert.equal(openOutbox(scope, { directory: between }).gaps().length, 1, "and once");
  });

  test("a batch that goes bad while the agent runs is told when it would be sent", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    await one.add("1", "2", "3");
    const path = pathOf(directory, segments(directory)[0]);
    const bytes = readFileSync(path);
    bytes[bytes.indexOf("\x65value\x612") + 7] = 0x39;
    writeFileSync(path, bytes);
    assert.equal(one.values(), ["1", "3"]);
    await eventually("the gap", () => one.gaps().length === 1);
    const [gap] = one.gaps();
    assert.is(gap?.from, 2);
    assert.is(gap?.samples, 1);
    assert.is(one.outbox.size.dropped, 1);
  });

  test("a directory that somebody removes costs what was in it, which is told, and nothing more", async (scope) => {
    const directory = await scope.directory();
    const one = openOutbox(scope, { directory });
    await one.add("1", "2", "3");
    rmSync(home(directory), { recursive: true });
    assert.equal(one.values(), []);
    await eventually("the gap", () => one.gaps().length === 1);
    assert.equal([one.gaps()[0]?.from, one.gaps()[0]?.to, one.gaps()[0]?.why], [1, 3, "its file was removed"]);
    await one.add("4");
    await one.outbox.close();
    const again = openOutbox(scope, { directory });
    assert.is(again.id, one.id);
    assert.equal([again.values(), again.gaps().length, again.seqs], [["4"], 1, [4, 5]]);
  });

  test("files in the middle: one lost its header, one is cut, one is noise; the others stay", async (scope) => {
    const { directory, id } = await filled(scope, 30, "x".repeat(900));
    const [first, second, third] = segments(directory);
    const bytes = readFileSync(pathOf(directory, first));
    bytes.fill(0xff, 0, 20);
    writeFileSync(pathOf(directory, first), bytes);
    truncateSync(pathOf(directory, second), readFileSync(pathOf(directory, second)).length - 10);
    writeFileSync(pathOf(directory, third), Buffer.alloc(3_000, 0x55));
    mkdirSync(join(home(directory), "0000000000000099.seg"));
    writeFileSync(join(home(directory), "notes.txt"), "mine");
    const one = openOutbox(scope, { directory });
    assert.is(one.id, id);
    // Of the third, and of the directory.
    await eventually("told", () => one.gaps().length === 2);
    const told = new Set(one.gaps().flatMap(numbers));
    const kept = new Set(one.waiting().flatMap(({ seq, m }) => (m.length > 0 ? seq : [])));
    assert.ok(kept.size >= 20, String(kept.size));
    const thirdFirst = Number.parseInt(third ?? "", 10);
    // The last batch of the second file alone was cut like a batch that was never sent.
    for (let seq = 1; seq <= 30; seq++)
      assert.ok(told.has(seq) !== kept.has(seq) || seq === thirdFirst - 1, String(seq));
    assert.ok(names(directory).includes("notes.txt"));
    await one.add("31");
    assert.ok(Math.max(...one.seqs) > 30);
  });

  test("of what is set aside the newest few stay", async (scope) => {
    const clock = new ManualClock();
    const { directory } = await filled(scope, 3);
    for (let turn = 0; turn < 8; turn++) {
      clock.advance(1_000);
      const path = pathOf(directory, segments(directory)[0]);
      const bytes = readFileSync(path);
      bytes[5] = (bytes[5] ?? 0) ^ 1;
      writeFileSync(path, bytes);
      const one = openOutbox(scope, { directory }, clock);
      assert.equal(one.values(), ["1", "2", "3"]);
      await one.outbox.close();
    }
    assert.is(names(directory).filter((name) => name.includes(".damaged-")).length, 4);
  });
});
