import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { silentLog } from "#shared/log";
import { suite } from "../test/suite.ts";
import { formatInstance, Instance, parseInstance } from "./instance.ts";

function started(directory: string): Instance {
  const instance = new Instance(directory, silentLog);
  instance.start();
  return instance;
}

suite("instance", ({ test }) => {
  test("its ids survive restarts, and one of an earlier version is read", async (scope) => {
    const directory = await scope.directory();
    writeFileSync(join(directory, "instance"), "0123456789\n");
    const first = started(directory);
    assert.equal([first.id, first.ledger, first.before, first.problem], ["0123456789", undefined, true, undefined]);
    first.keep("ledger1");
    const second = started(directory);
    assert.equal([second.id, second.ledger], ["0123456789", "ledger1"]);
    assert.equal(parseInstance(readFileSync(join(directory, "instance"), "latin1")), {
      id: "0123456789",
      ledger: "ledger1",
    });
  });

  test("an installation that is new says so, until its ids are kept", async (scope) => {
    const directory = await scope.directory();
    const first = started(directory);
    assert.is(first.before, false);
    first.keep("ledger1");
    assert.is(started(directory).before, true);
    assert.is(started(directory).id, first.id);
  });

  test("no flipped bit is taken for another installation's id", () => {
    const bytes = Buffer.from(formatInstance({ id: "0123456789", ledger: "abcdefghij" }));
    for (let bit = 0; bit < (bytes.length - 1) * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      // A bit of the checksum that only makes a capital of a letter does not pass either.
      assert.is(parseInstance(flipped.toString("latin1")), undefined, `bit ${bit}: ${flipped.toString("latin1")}`);
    }
  });

  test("a file that does not read is set aside, told, and replaced by a new installation", async (scope) => {
    const directory = await scope.directory();
    const path = join(directory, "instance");
    for (const text of ["", "01234\u000056789\n", "0123456789.abc\n", "ü".repeat(10), "x".repeat(100_000)]) {
      writeFileSync(path, text);
      const instance = started(directory);
      assert.match(instance.id, /^[0-9a-v]{10}$/);
      assert.match(instance.problem ?? "", /"instance" did not read/);
      assert.ok(existsSync(`${path}.damaged`));
      instance.keep("ledger1");
      assert.is(started(directory).id, instance.id);
      assert.is(started(directory).problem, undefined);
    }
  });

  test("where nothing can be read or kept, the ids live as long as the process", async (scope) => {
    const directory = await scope.directory();
    mkdirSync(join(directory, "instance", "x"), { recursive: true });
    mkdirSync(join(directory, "instance.damaged", "x"), { recursive: true });
    const instance = started(directory);
    instance.keep("ledger1");
    assert.match(instance.id, /^[0-9a-v]{10}$/);
  });
});
