import { join } from "node:path";
import * as assert from "uvu/assert";
import { FaultyDisk } from "../test/faulty-disk.ts";
import { suite } from "../test/suite.ts";
import { CountedDisk } from "./counted-disk.ts";
import { replaceFile } from "./durable-file.ts";

suite("a disk that counts", ({ test }) => {
  test("what was written and synced, and nothing of what the disk did not take", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "one");
    const counted = new CountedDisk();
    replaceFile(path, "1234567", counted);
    assert.equal(counted.wrote, { bytes: 7, syncs: 2 }, "the file and its directory");
    const full = new CountedDisk(new FaultyDisk(directory, "ENOSPC", 1).disk);
    assert.throws(() => replaceFile(path, "x", full), /ENOSPC/);
    assert.is(full.wrote.bytes, 0);
  });
});
