import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { Journal } from "./commands/exec/fixture.ts";
import { Preferences } from "./preferences.ts";

suite("what was changed remotely", ({ test }) => {
  test("is there again after a restart, and each change leaves the others as they are", async (scope) => {
    const directory = join(await scope.directory(), "agent");
    const first = new Preferences(directory, new Journal());
    assert.equal(first.changed, {});
    assert.ok(first.change({ interval: 5_000 }));
    assert.ok(first.change({ collectors: { temp: false } }));
    assert.ok(first.change({ collectors: { cpu: false }, paused: true }));
    assert.ok(first.change({ collectors: { cpu: true } }));
    const again = new Preferences(directory, new Journal());
    assert.equal(again.changed, { interval: 5_000, paused: true, collectors: { temp: false, cpu: true } });
    assert.equal(await readdir(directory), ["preferences.json"]);
  });

  test("lives as long as the process where there is no directory", () => {
    const preferences = new Preferences(undefined, new Journal());
    assert.is(preferences.change({ interval: 5_000 }), false);
    assert.is(preferences.changed.interval, 5_000);
  });

  for (const damaged of ['{"interval":50', "", "[]", '{"interval":"soon"}', '{"interval":1}', "\0\0\0\0"]) {
    test(`is put aside when its file holds ${JSON.stringify(damaged)}, and the settings hold`, async (scope) => {
      const directory = await scope.directory();
      await writeFile(join(directory, "preferences.json"), damaged);
      const log = new Journal();
      const preferences = new Preferences(directory, log);
      assert.equal(preferences.changed, {});
      assert.match(log.sentences[0] ?? "", "cannot be read: the settings hold");
      assert.is(await readFile(join(directory, "preferences.json.damaged"), "utf8"), damaged);
      assert.ok(preferences.change({ paused: true }));
      assert.equal(new Preferences(directory, log).changed, { paused: true, collectors: {} });
    });
  }

  test("holds now and says so where it cannot be kept", async (scope) => {
    const directory = await scope.directory();
    await writeFile(join(directory, "file"), "");
    const log = new Journal();
    const preferences = new Preferences(join(directory, "file"), log);
    assert.is(preferences.change({ interval: 5_000 }), false);
    assert.is(preferences.changed.interval, 5_000);
    assert.match(log.sentences.at(-1) ?? "", "a restart will undo it");
  });
});
