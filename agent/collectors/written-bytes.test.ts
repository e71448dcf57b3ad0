import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { writtenBytes } from "./written-bytes.ts";

suite("bytes that the agent has had written", ({ test }) => {
  test("are the kernel's, and none where it does not tell", async (scope) => {
    const path = join(await scope.directory(), "io");
    assert.is(writtenBytes(path), undefined);
    writeFileSync(path, "rchar: 1\nwchar: 9\nread_bytes: 2\nwrite_bytes: 4096\ncancelled_write_bytes: 0\n");
    assert.is(writtenBytes(path), 4_096);
    writeFileSync(path, "rchar: 1\n");
    assert.is(writtenBytes(path), undefined);
    if (process.platform === "linux") assert.type(writtenBytes(), "number");
  });
});
