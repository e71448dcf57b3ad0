import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { LoginsBusyError } from "#shared/login-throttle";
import { codeAt, stepAt } from "./totp.ts";
import type { Accounts } from "./accounts.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { firstCodePause, freeCodes, maxCodePause, type PausedCodes } from "./code-guesses.ts";
import { codesForgotten, KeptGuesses, maxCounts } from "./kept-guesses.ts";

const password = "correct horse";
const home = { address: "192.0.2.1" };

/** zoe, who has a second factor and has set it up at home. */
async function start(scope: Scope) {
  const clock = new ManualClock();
  const directory = await scope.directory();
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const { accounts } = state;
  accounts.set("zoe", "operator", password);
  assert.ok(await accounts.verify("zoe", password, { address: "203.0.113.99" }));
  accounts.factors.begin("zoe");
  const row = state.database.prepare("SELECT secret FROM second_factors WHERE account = 'zoe'").get();
  const key = Buffer.from(String(row?.["secret"]), "base64");
  const code = (): string => codeAt(key, stepAt(clock.now()));
  const recovery = accounts.factors.confirm("zoe", code()) ?? [];
  accounts.factorAdded("zoe", home);
  const told: PausedCodes[] = [];
  scope.cleanup(accounts.guesses.paused.on((one) => void told.push(one)));
  let strangers = 0;
  /** From an address that nobody has come from. */
  const stranger = (typed: string): Promise<boolean> =>
    accounts.takeCode("zoe", { address: `198.${51 + (strangers >> 8)}.${strangers++ & 255}.1` }, typed);
  return { clock, accounts, code, recovery, stranger, told, directory, state };
}

async function assertPaused(answer: Promise<boolean>): Promise<void> {
  const error: unknown = await answer.catch((thrown: unknown) => thrown);
  assert.instance(error, LoginsBusyError, String(error));
}

suite("codes that are guessed", ({ test }) => {
  test("from however many addresses an account has so many tries, then pauses that double", async (scope) => {
    const { clock, stranger, code, recovery, told, accounts } = await start(scope);
    for (let times = 0; times < freeCodes; times += 1) assert.is(await stranger("000000"), false);
    for (let pause = firstCodePause, times = freeCodes; ; pause = Math.min(maxCodePause, pause * 2), times += 1) {
      assert.equal([told.at(-1)?.wrong, told.at(-1)?.pause, told.length], [times, pause, times - freeCodes + 1]);
      clock.advance(pause - 1);
      // Neither code nor recovery code is looked at, right or wrong.
      for (const typed of ["000000", code(), recovery[0] ?? ""]) await assertPaused(stranger(typed));
      clock.advance(1);
      if (times > freeCodes + 8) break;
      assert.is(await stranger("000000"), false);
    }
    assert.is(told.at(-1)?.pause, maxCodePause);
    assert.is(accounts.guesses.wrongOf("zoe"), freeCodes + 9);
    assert.is(await stranger(recovery[0] ?? ""), true, "a right one that has waited");
    assert.is(await stranger("000000"), false);
    await assertPaused(stranger(recovery[1] ?? ""));
    clock.advance(codesForgotten);
    assert.is(accounts.guesses.wrongOf("zoe"), 0);
    for (let times = 0; times < freeCodes; times += 1) assert.is(await stranger("000000"), false);
  });

  test("many at once are no more than one by one", async (scope) => {
    const { stranger, told } = await start(scope);
    const all = await Promise.allSettled(Array.from({ length: freeCodes * 5 }, () => stranger("000000")));
    assert.is(all.filter(({ status }) => status === "fulfilled").length, freeCodes);
    assert.is(told.length, 1);
  });

  test("its owner comes in meanwhile, from where it has come in with a code; the password alone makes no such place", async (scope) => {
    const { accounts, stranger, code, recovery, clock } = await start(scope);
    const guesser = { address: "203.0.113.7" };
    assert.ok(await accounts.verify("zoe", password, guesser));
    for (let times = 0; times < freeCodes; times += 1) assert.is(await stranger("000000"), false);
    await assertPaused(accounts.takeCode("zoe", guesser, recovery[0] ?? ""));
    await assertPaused(accounts.takeCode("zoe", { address: "203.0.113.99" }, recovery[0] ?? ""));
    assert.is(await accounts.takeCode("zoe", home, recovery[0] ?? ""), true);
    for (let times = 0; times < freeCodes; times += 1) assert.is(await accounts.takeCode("zoe", home, "000000"), false);
    await assertPaused(accounts.takeCode("zoe", home, recovery[1] ?? ""));
    accounts.set("zoe", "operator", "another horse");
    clock.advance(firstCodePause);
    assert.is(await stranger(code()), true, "another password ends it");
  });

  test("a restart is no more guesses, and a right code clears what its place had", async (scope) => {
    const { accounts, stranger, recovery, clock, directory } = await start(scope);
    const away = { address: "203.0.113.7" };
    for (let times = 0; times < freeCodes; times += 1) assert.is(await stranger("000000"), false);
    for (let times = 1; times < freeCodes; times += 1) assert.is(await accounts.takeCode("zoe", home, "000000"), false);
    /** The same database after a start at which the machine's clock has gone on by so much. */
    const restarted = (later: number): Accounts => {
      clock.advance(Math.max(0, later));
      const again = openState(directory, later < 0 ? new ManualClock(clock.now() + later) : clock);
      scope.cleanup(() => again.close());
      return again.accounts;
    };
    const second = restarted(firstCodePause - 1);
    assert.is(second.guesses.wrongOf("zoe"), 2 * freeCodes - 1);
    await assertPaused(second.takeCode("zoe", away, recovery[0] ?? ""));
    assert.is(await second.takeCode("zoe", home, recovery[0] ?? ""), true, "nine at home cost no pause");
    await assertPaused(restarted(-5 * 86_400_000).takeCode("zoe", away, recovery[1] ?? ""));
    const third = restarted(1);
    assert.is(third.guesses.wrongOf("zoe"), freeCodes, "those of home are cleared");
    assert.is(await third.takeCode("zoe", away, "000000"), false, "the pause is over");
    const fourth = restarted(2 * firstCodePause - 1);
    await assertPaused(fourth.takeCode("zoe", away, recovery[1] ?? ""));
    assert.is(restarted(codesForgotten).guesses.wrongOf("zoe"), 0);
  });

  test("what is kept of an account is bounded, and goes with its password, its factor and itself", async (scope) => {
    const { state, clock, accounts } = await start(scope);
    const kept = new KeptGuesses(state.database, clock);
    const fill = (): void => {
      kept.note("zoe", "", 3);
      for (let n = 0; n < maxCounts; n += 1) {
        clock.advance(1);
        kept.note("zoe", `10.0.${n}`, 1);
      }
    };
    fill();
    const places = kept.read().map(({ place }) => place);
    assert.is(places.length, maxCounts);
    assert.ok(places.includes("") && places.includes(`10.0.${maxCounts - 1}`) && !places.includes("10.0.0"));
    kept.note("nobody", "", 1);
    assert.is(kept.read().length, maxCounts, "of who has no account nothing is kept");
    accounts.set("zoe", "operator", "another horse");
    assert.is(kept.read().length, 0);
    fill();
    accounts.factors.reset("zoe");
    assert.is(kept.read().length, 0);
    accounts.set("adm", "admin", "another horse");
    fill();
    accounts.remove("zoe");
    assert.is(kept.read().length, 0);
  });
});
