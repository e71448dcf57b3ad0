import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { EnvironmentError } from "#shared/errors";
import { suite, type Scope } from "../test/suite.ts";
import { maxSmallFileBytes, openRegularFile, readRegularFile, openRegularFileSoon, whyNoFile } from "./regular-file.ts";

type Place = (path: string, scope: Scope) => unknown;

/** What may stand in the place of a file, and what is said of it. */
const strangers: Readonly<Record<string, readonly [Place, RegExp]>> = {
  "a named pipe": [(path) => execFileSync("mkfifo", [path]), /expected a regular file, got a named pipe; move it/],
  "a device that never ends": [(path) => symlinkSync("/dev/zero", path), /got a device/],
  "a directory": [(path) => mkdirSync(path), /got a directory/],
  "a socket": [listen, /got a socket/],
};

function listen(path: string, scope: Scope): Promise<void> {
  const server = createServer();
  scope.cleanup(() => new Promise((resolve) => server.close(resolve)));
  return new Promise((resolve) => server.listen(path, resolve));
}

function refusal(work: () => unknown): string {
  try {
    work();
    return "";
  } catch (thrown) {
    assert.instance(thrown, EnvironmentError);
    return (thrown as EnvironmentError).message;
  }
}

suite("a regular file", ({ test }) => {
  for (const [what, [place, expected]] of Object.entries(strangers)) {
    test(`${what} in its place is said, at once, whoever opens it`, async (scope) => {
      const path = join(await scope.directory(), "file");
      await place(path, scope);
      assert.match(
        refusal(() => readRegularFile(path, maxSmallFileBytes)),
        expected,
      );
      assert.match(
        refusal(() => openRegularFile(path)),
        expected,
      );
      assert.match(whyNoFile(path) ?? "", expected);
      assert.match(await openRegularFileSoon(path, 1).then(String, String), expected);
    });
  }

  test("it is read to its last byte, and not beyond its bound", async (scope) => {
    const path = join(await scope.directory(), "file");
    assert.throws(() => readRegularFile(path, 1), /ENOENT/);
    for (const size of [0, 1, 5_000, maxSmallFileBytes]) {
      const content = Buffer.alloc(size, "muster");
      writeFileSync(path, content);
      assert.is(readRegularFile(path, maxSmallFileBytes).equals(content), true, String(size));
    }
    truncateSync(path, maxSmallFileBytes + 1);
    assert.match(
      refusal(() => readRegularFile(path, maxSmallFileBytes)),
      /expected at most 1048576 bytes, got 1048577; move it away/,
    );
    // Larger than any memory, and one that says to be empty.
    truncateSync(path, 2 ** 43);
    assert.match(
      refusal(() => readRegularFile(path, maxSmallFileBytes)),
      /got 8796093022208/,
    );
    assert.match(
      refusal(() => readRegularFile("/proc/self/maps", 100)),
      /got more/,
    );
    assert.is(readRegularFile("/proc/self/comm", 100).toString().trim().length > 0, true);
    const link = `${path}.link`;
    symlinkSync(path, link);
    truncateSync(path, 3);
    assert.is(readRegularFile(link, 3).length, 3);
    assert.is(whyNoFile(link), undefined);
    assert.is(whyNoFile(`${path}.none`), undefined);
  });
});
