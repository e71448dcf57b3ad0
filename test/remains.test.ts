import { fork, spawn } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as assert from "uvu/assert";
import { makePlace, Remains, removePlace } from "./remains.ts";
import { smallDisk } from "./small-disk.ts";
import { eventually, suite, type Scope } from "./suite.ts";
import { resultMark, type Order, type Result } from "./worker.ts";

/** Ours are no parent of theirs: init asks how they have ended. */
const alone = { detached: true, stdio: "ignore" } as const;
const slept = "sleep 600";

async function newPlace(scope: Scope): Promise<string> {
  const place = makePlace();
  scope.cleanup(() => removePlace(place));
  return place;
}

suite("what tests leave", ({ test }) => {
  test("is found by its directory, its words or its environment, though it has left both its family and its place; and is ended", async (scope) => {
    const place = await newPlace(scope);
    const remains = new Remains(place, process.pid);
    assert.equal(await remains.clear(0), []);
    const inside = join(place, "a");
    mkdirSync(inside);
    writeFileSync(join(inside, "file"), "");
    const disk = await smallDisk({ ...scope, directory: async () => inside, cleanup: () => {} });
    const away = (words: string): void =>
      void spawn("sh", ["-c", `(${words}) & exit 0`], { ...alone, cwd: inside, env: { PATH: process.env["PATH"] } });
    away(`exec setsid ${slept}`);
    away(`cd / && exec env -i TMPDIR=${place} setsid ${slept}`);
    away(`cd / && exec env -i setsid tail -f ${inside}/file`);
    const expected = [
      /^left running: \d+ sleep 600$/,
      /^left running: \d+ tail -f /,
      new RegExp(`^left mounted: ${disk}$`),
      new RegExp(`^left lying: ${inside}$`),
    ];
    const left = await remains.clear(1_000);
    for (const one of expected)
      assert.ok(
        left.some((what) => one.test(what)),
        `${one} of ${left.join("\n")}`,
      );
    assert.is(left.filter((what) => what.endsWith(" sleep 600")).length, 2, left.join("\n"));
    assert.not.ok(existsSync(inside));
    assert.equal(await remains.clear(), []);
  });

  test("fails the file that has left it", async (scope) => {
    const place = await newPlace(scope);
    const worker = fork(fileURLToPath(new URL("./worker.ts", import.meta.url)), {
      stdio: ["ignore", "pipe", "inherit", "ipc"],
      env: { ...process.env, TMPDIR: place },
    });
    scope.cleanup(() => worker.kill("SIGKILL"));
    let said = "";
    worker.stdout?.setEncoding("utf8").on("data", (text: string) => (said += text));
    worker.send({ file: "test/leaver.ts" } satisfies Order);
    const told = await eventually("its result", () => new RegExp(`${resultMark}(.*)\n`).exec(said)?.[1]);
    const { passed, problems } = JSON.parse(told) as Result;
    assert.is(passed, 1);
    assert.is(problems.length, 2, problems.join("\n"));
    assert.match(problems[0] ?? "", /^left running: \d+ sleep 600$/);
    assert.match(problems[1] ?? "", /^left lying: .*forgotten$/);
    worker.send({ end: true } satisfies Order);
  });
});
