import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { FileTrouble } from "./file-trouble.ts";
import { maxGivenBytes, maxGivenFiles, maxKeptFiles, ShelfRoom } from "./shelf-room.ts";
import { Uploads } from "./uploads.ts";

const isNoSpace = (thrown: unknown): boolean => thrown instanceof FileTrouble && thrown.code === "no-space";

suite("room for files at the console", ({ test }) => {
  test("nothing of a file makes none", async (scope) => {
    const directory = await scope.directory();
    const uploads = new Uploads({ directory, room: new ShelfRoom({ directory, spare: 0 }), clock: new ManualClock() });
    assert.is(await uploads.add({ sha256: "0".repeat(64), size: 100, at: 0, data: Buffer.alloc(0) }, "ann"), 0);
    assert.not.ok(existsSync(uploads.directory) && existsSync(join(uploads.directory, `${"0".repeat(64)}.100.part`)));
  });

  test("each person has a share of files and bytes, and all together have so many", async (scope) => {
    const directory = await scope.directory();
    const room = new ShelfRoom({ directory, spare: 0, most: Infinity });
    const path = (name: string): string => join(directory, name);
    for (let at = 0; at < maxGivenFiles; at += 1) room.claim(path(`a${at}`), 0, 0, "ann");
    room.claim(path("a0"), 1, 0, "ann");
    assert.throws(() => room.claim(path("a"), 0, 0, "ann"), isNoSpace);
    room.claim(path("b"), maxGivenBytes, maxGivenBytes, "bob");
    assert.throws(() => room.claim(path("b1"), 1, 0, "bob"), isNoSpace);
    room.release(path("b"));
    room.claim(path("b1"), 1, 0, "bob");
    for (let at = maxGivenFiles + 1; at < maxKeptFiles; at += 1) room.claim(path(`d${at}`), 0, 0);
    assert.throws(() => room.claim(path("d"), 0, 0), isNoSpace);
  });

  test("what is there at the start counts, and what is gone does not", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "a");
    writeFileSync(path, "12345");
    const room = new ShelfRoom({ directory, spare: 0, most: 10 });
    room.start();
    assert.throws(() => room.claim(join(directory, "b"), 6, 0), isNoSpace);
    rmSync(path);
    room.release(path);
    room.claim(join(directory, "b"), 6, 0);
  });
});
