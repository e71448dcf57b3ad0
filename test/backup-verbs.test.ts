import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { localSecret } from "../console/accounts/secrets.ts";
import { archiveEnd, headerOf, maxArchivedName, paddingAfter } from "../console/backup/archive.ts";
import { manifestName } from "../console/backup/manifest.ts";
import { makeBackup } from "../console/backup/make-backup.ts";
import { restoreBackup } from "../console/backup/restore-backup.ts";
import { readAnchor } from "../console/audit/anchor.ts";
import { Audit } from "../console/audit/audit.ts";
import { search } from "../console/audit/search.ts";
import { thinnedWord } from "../console/audit/thinned-section.ts";
import { maxOlderEntries, sectionSize } from "../console/audit/thinning.ts";
import { verify } from "../console/audit/verify.ts";
import { lookAtConsole } from "../console/doctor/look.ts";
import { openState } from "../console/state/state.ts";
import { systemClock as clock } from "#shared/clock";
import { silentLog as log } from "#shared/log";
import { House } from "./damage.ts";
import { musterProgram, runProgram, Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const restore = (file: string, directory: string, force = false) =>
  restoreBackup({ file, directory, force, who: "ada", clock, log });

/** The archive `whole` with one more file in its list and at its end. */
function withFile(whole: Buffer, name: string, content: string): Buffer {
  const size = Number.parseInt(whole.toString("latin1", 124, 135), 8);
  const manifest = JSON.parse(whole.toString("utf8", 512, 512 + size)) as { files: unknown[] };
  const sha256 = createHash("sha256").update(content).digest("hex");
  manifest.files.push({ name, size: content.length, sha256 });
  const text = Buffer.from(JSON.stringify(manifest));
  const rest = whole.subarray(512 + size + paddingAfter(size).length, whole.length - archiveEnd.length);
  const last = [headerOf({ name, size: content.length }, 0), Buffer.from(content), paddingAfter(content.length)];
  const first = [headerOf({ name: manifestName, size: text.length }, 0), text, paddingAfter(text.length)];
  return Buffer.concat([...first, rest, ...last, archiveEnd]);
}

suite("backup and restore", ({ test }) => {
  test("a backup of a console at work comes back whole: nothing old fires, and the audit log goes on", async (scope) => {
    const [data, elsewhere] = [join(await scope.directory(), "data"), await scope.directory()];
    mkdirSync(data, { mode: 0o700 });
    const file = join(elsewhere, "muster.tar");
    const house = await House.open(data);
    await localSecret(house.state, "console", "console");
    await house.birth("d1");
    const stored = house.acknowledged("d1", 1);
    await house.batch("d1", 1, { temperature: [20.5, 21] });
    await stored;
    const order = { key: "ping", by: "ann", timeout: null, ttl: 3_600_000 };
    const queued = house.console.desk.submit("d1" as never, order);
    await house.console.desk.kept(queued);
    const steps: string[] = [];
    makeBackup({ directory: data, file, now: clock.now(), progress: (step) => steps.push(step) });
    assert.is(statSync(file).mode & 0o777, 0o600);
    assert.match(steps.join("\n"), /copying muster\.db[^]*writing muster\.db \(\d+ bytes\)/);
    assert.equal(readdirSync(elsewhere), ["muster.tar"], "nothing else stays");
    const { out } = await runProgram("tar", ["-tf", file]);
    assert.match(out, /^muster-backup\.json\n[^]*muster\.db\n[^]*secrets\/console\n/);
    assert.throws(() => makeBackup({ directory: data, file, now: 0, progress: () => {} }), /is there already/);

    // What comes after it is not in it.
    for (let times = 0; times < 3; times += 1)
      house.state.audit.record({ who: "ada", from: "cli", what: "device.enrolled", on: "later" });
    assert.throws(() => restore(file, data, true), /console/, "one is at work in it");
    mkdirSync(join(data, "agent"), { recursive: true });
    writeFileSync(join(data, "agent", "instance"), "mine");
    await house.close();
    assert.throws(() => restore(file, data), /is not empty: with --force/);
    const last = readAnchor(data)?.n ?? 0;
    const { before } = restore(file, data, true);
    assert.ok(before !== undefined && existsSync(join(before, "muster.db")));
    assert.is(readFileSync(join(data, "agent", "instance"), "utf8"), "mine");
    for (const name of ["muster.db", "secrets/console"]) assert.is(statSync(join(data, name)).mode & 0o077, 0, name);
    assert.equal(
      lookAtConsole(data).filter(({ state }) => state === "damaged"),
      [],
    );

    const again = await House.open(data);
    scope.cleanup(() => again.close());
    const command = again.console.desk.find("d1" as never, queued.id);
    assert.is(command?.state, "queued");
    assert.match(JSON.stringify(command?.timeline), /put back to a backup/);
    const { missing, stored: count } = again.console.ingest.batches.completeness.of("d1" as never);
    assert.equal([count, missing], [2, 0]);
    const entries = [...search(again.state.database, {})].flatMap((entry) => entry ?? []);
    const told = entries.filter(({ what }) => what === "data.restored" || what === "audit.forked");
    assert.equal(
      told.map(({ what }) => what),
      ["data.restored", "audit.forked"],
    );
    assert.is(told.at(-1)?.n, last + 1, "no number stands twice");
    const looks = verify(again.state.database);
    let look = looks.next();
    while (!look.done) look = looks.next();
    assert.equal(look.value.problems, []);
  });

  test("an audit log of which sections were thinned comes back with them, its anchor and the restore's own entry", async (scope) => {
    const [place, most] = [await scope.directory(), 300];
    const data = join(place, "data");
    mkdirSync(data, { mode: 0o700 });
    const file = join(place, "muster.tar");
    const verdictOf = (directory: string) => {
      const state = openState(directory, clock, log);
      const looks = verify(
        state.database,
        [readAnchor(directory)].flatMap((anchor) => anchor ?? []),
        most,
      );
      let look = looks.next();
      while (!look.done) look = looks.next();
      const entries = [...search(state.database, {})].flatMap((entry) => entry ?? []);
      state.close();
      return { ...look.value, words: entries.map(({ what }) => what), anchor: readAnchor(directory) };
    };
    const state = openState(data, clock, log);
    const audit = new Audit({ database: state.database, clock, most, older: maxOlderEntries });
    state.database.exec("BEGIN");
    for (let n = 1; n < most + 2 * sectionSize; n += 1)
      audit.record({ who: "olga", from: "api", what: n % 100 === 0 ? "login.refused" : "command.sent", on: "d1" });
    state.database.exec("COMMIT");
    // By the console's own, which keeps the anchor.
    state.audit.record({ who: "ada", from: "cli", what: "device.enrolled", on: "d2" });
    state.close();
    makeBackup({ directory: data, file, now: clock.now(), progress: () => {} });
    const before = verdictOf(data);
    assert.is(before.words.filter((what) => what === thinnedWord).length, 2);
    assert.equal([before.problems, before.anchor?.n], [[], before.head?.n]);

    // The one place has never heard of this log; the other has one that went on after the backup.
    const later = openState(data, clock, log);
    later.audit.record({ who: "olga", from: "api", what: "device.enrolled", on: "later" });
    later.close();
    for (const [target, told] of [
      [join(place, "copy"), ["data.restored"]],
      [data, ["data.restored", "audit.forked"]],
    ] as const) {
      restore(file, target, true);
      const { problems, notes, words, anchor, head, first, entries } = verdictOf(target);
      assert.equal(problems, [], target);
      assert.equal(words, [...told, ...before.words]);
      assert.equal([first, entries], [before.first, before.entries + told.length]);
      assert.equal([anchor?.n, anchor?.hash], [head?.n, head?.hash]);
      assert.ok(notes.includes(before.notes[0] ?? ""), notes.join("\n"));
    }
  });

  test("a restored backup of a console that has run on is sound", async (scope) => {
    const [data, place] = [await scope.directory(), await scope.directory()];
    const house = await House.open(data);
    // Its stop marks the databases once more than its start, as each ten minutes do.
    await house.close();
    const [file, copy] = [join(place, "b.tar"), join(place, "copy")];
    makeBackup({ directory: data, file, now: clock.now(), progress: () => {} });
    restore(file, copy);
    assert.equal(
      lookAtConsole(copy).filter(({ state }) => state === "damaged"),
      [],
    );
    const again = await House.open(copy);
    scope.cleanup(() => again.close());
    assert.is(again.state.damage.count(), 0);
  });

  test("a backup that is not as it was made replaces nothing", async (scope) => {
    const [data, place] = [await scope.directory(), await scope.directory()];
    openState(data, clock).close();
    const file = join(place, "whole");
    makeBackup({ directory: data, file, now: 0, progress: () => {} });
    const whole = readFileSync(file);
    const target = join(place, "target");
    const cases: readonly (readonly [name: string, bytes: Buffer, why: RegExp])[] = [
      ["turned", Buffer.from(whole.map((byte, at) => (at === whole.length - 3_000 ? byte ^ 1 : byte))), /damaged/],
      ["cut", whole.subarray(0, whole.length - 4_000), /cut off|missing/],
      ["empty", Buffer.alloc(0), /cut off/],
      ["another", Buffer.from("PK\u0003\u0004".padEnd(2_000, "x")), /no backup/],
      ["led", Buffer.concat([Buffer.from(headerOf({ name: "a", size: 0 }, 0)), Buffer.alloc(1_024)]), /no backup/],
    ];
    for (const [name, bytes, why] of cases) {
      const path = join(place, name);
      writeFileSync(path, bytes);
      assert.throws(() => restore(path, target), why, name);
      assert.is(existsSync(target), false, name);
    }
    const brought = join(place, "brought");
    writeFileSync(brought, withFile(whole, "agent/outbox.txt", "x"));
    assert.throws(() => restore(brought, target), /agent\/outbox.txt belongs to a machine/);
    assert.is(existsSync(target), false);
    assert.throws(() => headerOf({ name: "../x", size: 0 }, 0), /cannot be taken/);
    assert.ok(headerOf({ name: "x".repeat(maxArchivedName), size: 0 }, 0));
    assert.throws(() => headerOf({ name: "x".repeat(maxArchivedName + 1), size: 0 }, 0), /cannot be taken/);
    restore(file, target);
    assert.is(statSync(target).mode & 0o777, 0o700);
    chmodSync(place, 0o700);
  });

  test("nobody else comes in while a restore unpacks, and an empty directory is not taken for one that stays so", async (scope) => {
    const [data, place] = [await scope.directory(), await scope.directory()];
    openState(data, clock).close();
    const [file, target, pipe] = [join(place, "whole"), join(place, "target"), join(place, "pipe")];
    makeBackup({ directory: data, file, now: 0, progress: () => {} });
    await runProgram("mkfifo", [pipe]);
    const restoring = new Running(scope, ...musterProgram(["restore", pipe, "--data", target]));
    const writer = await open(pipe, "w");
    scope.cleanup(() => writer.close().catch(() => {}));
    await writer.write(readFileSync(file).subarray(0, 700));
    await eventually("what it unpacks", () => existsSync(target) && readdirSync(target).length > 1);
    assert.throws(() => openState(target, clock, log, { serves: true }), /another console \(process \d+\) is at work/);
    await writer.write(readFileSync(file).subarray(700));
    await writer.close();
    await restoring.line(/is as it was at 20|is as it was at 19/);
    assert.ok(existsSync(join(target, "muster.db")));
  });

  test("as verbs", async (scope) => {
    const place = await scope.directory();
    const [data, file, copy] = [join(place, "data"), join(place, "b.tar"), join(place, "copy")];
    const muster = (...args: string[]) => runProgram(...musterProgram(args));
    openState(data, clock).close();
    const made = await muster("backup", file, "--data", data);
    assert.is(made.code, 0, made.err);
    assert.match(made.out, /has all of .*muster restore/);
    const back = await muster("restore", file, "--data", copy);
    assert.is(back.code, 0, back.err);
    assert.match(back.out, /is as it was at 20[^]*secret was changed since[^]*--again/);
    assert.not.match(back.out, /the CA is another/);
    mkdirSync(join(copy, "tls"), { recursive: true });
    writeFileSync(join(copy, "tls", "ca.crt"), "a rotated one");
    const over = await muster("restore", file, "--data", copy, "--force");
    const line = /^the CA is another one than before.*: (rm .*)$/m.exec(over.out)?.[1] ?? "";
    assert.is((await runProgram("sh", ["-c", line])).code, 0, over.out);
    assert.is(readFileSync(join(copy, "tls", "ca.crt"), "utf8"), "a rotated one");
    const shown = await muster("audit", "--offline", "--data", copy, "--verify");
    assert.is(shown.code, 0, shown.out);
  });
});
