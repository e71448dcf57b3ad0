import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { House } from "./damage.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Account {
  readonly expected: number;
  readonly stored: number;
  readonly missing: number;
  readonly gaps: readonly { outbox: string | null; samples: number; estimated: boolean; from: number; why: string }[];
}

/** Consoles one after the other on one directory, to which a device sends. */
async function place(scope: Scope) {
  const directory = await scope.directory();
  let house = await House.open(directory);
  scope.cleanup(() => house.close());
  let seq = 0;
  const send = async (batches: number): Promise<void> => {
    await house.birth("d1");
    const stored = house.acknowledged("d1", seq + batches);
    for (let left = batches; left > 0; left--) await house.batch("d1", (seq += 1), { temperature: [20.5, 21] });
    await stored;
  };
  const account = async (): Promise<Account> => (await house.ask("/api/devices/d1/completeness")).body as Account;
  return {
    directory,
    path: join(directory, "metrics.db"),
    send,
    account,
    current: () => house,
    again: async (change: () => void): Promise<void> => {
      await house.close();
      change();
      house = await House.open(directory);
    },
  };
}

suite("the embedded store's file is gone", ({ test }) => {
  test("removed: what it had is a gap with the cause, and no more stored; what comes then is", async (scope) => {
    const { path, send, account, again } = await place(scope);
    await send(3);
    assert.is((await account()).stored, 6);
    const remove = (): void => {
      for (const part of ["", "-wal", "-shm"]) rmSync(path + part, { force: true });
    };
    await again(remove);
    const lost = await account();
    assert.equal([lost.expected, lost.stored, lost.missing, lost.gaps.length], [6, 0, 6, 1]);
    assert.match(lost.gaps[0]?.why ?? "", /the embedded store's file was gone, and what it had with it/);
    assert.equal([lost.gaps[0]?.outbox, lost.gaps[0]?.estimated], [null, true]);
    await send(2);
    await again(() => {});
    assert.equal([(await account()).stored, (await account()).missing], [4, 6], "it is counted once");
    await again(remove);
    const twice = await account();
    assert.equal([twice.expected, twice.stored, twice.missing], [10, 0, 10]);
    assert.equal(
      twice.gaps.map(({ samples }) => samples),
      [6, 4],
    );
  });

  test("damaged while it runs, and put back to an older copy: the same, with these causes", async (scope) => {
    const { directory, path, send, account, again, current } = await place(scope);
    const backup = await scope.directory();
    await send(2);
    await again(() => cpSync(path, join(backup, "metrics.db")));
    await send(3);
    await again(() => cpSync(join(backup, "metrics.db"), path));
    const older = await account();
    assert.is(older.expected, 10);
    assert.equal([older.stored + older.missing, older.gaps.length], [10, 1]);
    assert.ok(older.missing >= 1 && older.missing <= 9, `${older.missing}, as if they had come evenly`);
    assert.match(older.gaps[0]?.why ?? "", /file was put back to a copy of \d{4}-.*Z, and what it had with it/);
    await again(() => {
      const bytes = readFileSync(path);
      bytes.fill(0x0d, 4_096);
      writeFileSync(path, bytes);
    });
    await send(1);
    await eventually("it is counted", async () => (await account()).gaps.length === 2);
    const { gaps, stored } = await account();
    assert.match(gaps.map(({ why }) => why).join("\n"), /file was damaged, and set aside as metrics\.db\.damaged-/);
    assert.is(stored, 2, "the batch that met the damage is in the new file");
    const { damaged } = (await current().ask("/api/damage")).body as { damaged: unknown[] };
    assert.is(damaged.length, 2, directory);
  });
});
