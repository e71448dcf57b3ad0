import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { House } from "../../test/damage.ts";
import { suite } from "../../test/suite.ts";
import { listName } from "./files-of-before.ts";
import { localSecret } from "../accounts/secrets.ts";
import { openState } from "../state/state.ts";

/** A log that keeps its sentences. */
function told(): Log & { readonly sentences: string[] } {
  const sentences: string[] = [];
  const keep = (_: object, sentence: string): void => void sentences.push(sentence);
  return { ...silentLog, warn: keep, error: keep, sentences };
}

suite("files of before", ({ test }) => {
  test("a file that was there and is gone is told once, wherever anybody looks, and Muster works", async (scope) => {
    const directory = await scope.directory();
    const first = await House.open(directory);
    await localSecret(first.state, "console", "console");
    await first.close();
    const cases: [file: string, why: RegExp][] = [
      ["metrics.db", /history.*not mounted/],
      ["spool.db", /simple samples/],
      ["held.db", /settle/],
      ["secrets/console", /a new secret is made/],
      ["muster.db", /without the accounts, devices and commands of before.*not mounted.*npx muster enroll/],
    ];
    let count = 0;
    for (const [file, why] of cases) {
      rmSync(join(directory, file));
      const log = told();
      const house = await House.open(directory, log);
      await localSecret(house.state, "console", "console");
      // What was told of before was kept in the database that is gone.
      count = file === "muster.db" ? 1 : count + 1;
      const { damaged } = (await house.ask("/api/damage")).body as { damaged: { place: string; why: string }[] };
      assert.is(damaged[0]?.place, file);
      assert.match(damaged[0]?.why ?? "", why);
      assert.is(((await house.ask("/healthz")).body as { damaged: number }).damaged, count, file);
      assert.is(log.sentences.length, 1, log.sentences.join("\n"));
      await house.close();
    }
    const again = await House.open(directory);
    scope.cleanup(() => again.close());
    assert.is(again.state.damage.count(), 1);
  });

  test("several at once, and a directory of an earlier version, which kept no list", async (scope) => {
    const directory = await scope.directory();
    await (await House.open(directory)).close();
    rmSync(join(directory, listName));
    const same = openState(directory, systemClock);
    assert.is(same.damage.count(), 0);
    same.close();
    for (const name of ["muster.db", "metrics.db"]) rmSync(join(directory, name));
    const both = openState(directory, systemClock);
    assert.equal(
      both.damage.list(10).map(({ place }) => place),
      ["muster.db", "metrics.db"],
    );
    both.close();
    rmSync(join(directory, listName));
    rmSync(join(directory, "muster.db"));
    const early = openState(directory, systemClock);
    assert.equal(
      early.damage.list(10).map(({ place }) => place),
      ["muster.db"],
    );
    early.close();
  });

  test("a list that does not read is made anew, and what a person takes away while Muster runs is told by the next start", async (scope) => {
    const directory = await scope.directory();
    await (await House.open(directory)).close();
    for (const text of ["", "{", '{"v":1,"files":[7]}', '{"v":2}']) {
      writeFileSync(join(directory, listName), text);
      const house = await House.open(directory);
      assert.is(house.state.damage.count(), 0);
      await house.close();
      assert.match(readFileSync(join(directory, listName), "utf8"), /metrics\.db/);
    }
    const running = await House.open(directory);
    rmSync(join(directory, "held.db"));
    await running.close();
    const house = await House.open(directory);
    scope.cleanup(() => house.close());
    assert.equal(
      house.state.damage.list(10).map(({ place }) => place),
      ["held.db"],
    );
  });

  test("an empty directory, as a mount point without its disk is one, is no silent beginning", async (scope) => {
    const directory = await scope.directory();
    mkdirSync(join(directory, "lost+found"));
    const log = told();
    openState(directory, systemClock, log).close();
    assert.match(log.sentences.join("\n"), /is empty: a new console begins in it.*mounted/);
    assert.ok(existsSync(join(directory, listName)));
    const second = told();
    openState(directory, systemClock, second).close();
    assert.equal(second.sentences, []);
    const made = told();
    openState(join(directory, "new"), systemClock, made).close();
    assert.equal(made.sentences, []);
  });
});
