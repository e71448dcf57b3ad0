import { existsSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { Topics } from "#shared/topics";
import { House } from "../../test/damage.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { openDatabase } from "./database.ts";
import { closeDatabase, syncOf } from "./group-sync.ts";

type Health = { ok: boolean; store: { problem?: string } };

async function houseIn(scope: Scope, directory: string): Promise<House> {
  const house = await House.open(directory);
  scope.cleanup(() => house.close());
  return house;
}

suite("a database file that goes while the console runs", ({ test }) => {
  const moves: Readonly<Record<string, (path: string) => void>> = {
    removed: (path) => {
      for (const part of ["", "-wal", "-shm"]) rmSync(path + part, { force: true });
    },
    replaced: (path) => {
      writeFileSync(`${path}.copy`, "");
      renameSync(`${path}.copy`, path);
    },
  };
  for (const [how, move] of Object.entries(moves)) {
    test(`${how}: what is written then is never said to be safe`, async (scope) => {
      const path = join(await scope.directory(), "things.db");
      const database = openDatabase(path, ["CREATE TABLE things (id INTEGER PRIMARY KEY) STRICT"]);
      scope.cleanup(() => closeDatabase(database));
      const sync = syncOf(database);
      const insert = database.prepare("INSERT INTO things DEFAULT VALUES");
      insert.run();
      await sync.synced();
      move(path);
      insert.run();
      const said = await sync.synced().then(
        () => "safe",
        (error: Error) => error.message,
      );
      assert.match(said, /things\.db was removed or replaced while Muster ran: put it back in its place, or stop/);
    });
  }

  for (const file of ["muster.db", "metrics.db"])
    test(`${file}: it is told though nobody writes, also to agents, which hold, and all goes on when it is back`, async (scope) => {
      const directory = await scope.directory();
      const house = await houseIn(scope, directory);
      const health = async (): Promise<Health> => (await house.ask("/healthz")).body as Health;
      assert.ok((await health()).ok);
      let taking: boolean | undefined;
      house.bus.subscribe([new Topics().build({ kind: "console" })], ({ payload }) => {
        ({ taking } = JSON.parse(payload.toString()) as { taking?: boolean });
      });
      const path = join(directory, file);
      renameSync(path, `${path}.away`);
      const { store } = await eventually("it is told", async () => {
        const now = await health();
        return now.ok ? undefined : now;
      });
      assert.match(store.problem ?? "", new RegExp(`${file} was removed or replaced`));
      await eventually("agents hold", () => taking === false);
      assert.not.ok(existsSync(path));
      renameSync(`${path}.away`, path);
      await eventually("all is well", async () => taking && (await health()).ok);
    });
});
