import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { silentLog } from "#shared/log";
import { loadSettings } from "#shared/settings/load-settings";
import { suite, type Scope } from "../../test/suite.ts";
import { Console } from "../console.ts";
import { openState, type State } from "../state/state.ts";
import { systemClock } from "#shared/clock";
import { maxSettingLength, RunningSettings } from "./running-settings.ts";

async function open(scope: Scope): Promise<State> {
  const state = openState(await scope.directory(), systemClock, silentLog);
  scope.cleanup(() => state.close());
  return state;
}

function running(state: State, changed: string[] = []): RunningSettings {
  const { values, given } = loadSettings({ flags: { seriesBudget: "5" }, env: { MUSTER_HISTORY_AGE: "1h" } });
  const made = new RunningSettings({
    database: state.database,
    values,
    given,
    log: silentLog,
    changed: (name) => void changed.push(name),
  });
  made.start();
  return made;
}

const word = (name: string, text: string) => ({ name, text, by: "ann", ts: 1 });

suite("settings while the console runs", ({ test }) => {
  test("what was set counts over flag and variable, outlives a restart, and is gone when it is reset", async (scope) => {
    const state = await open(scope);
    const changed: string[] = [];
    const settings = running(state, changed);
    assert.equal([settings.value("seriesBudget"), settings.value("historyAge")], [5, 3_600_000]);
    assert.equal(settings.given("seriesBudget"), { source: "--series-budget", text: "5" });
    assert.is(settings.given("historyAge")?.source, "MUSTER_HISTORY_AGE");
    assert.is(settings.given("logLevel"), undefined);
    settings.set(word("seriesBudget", "7"))();
    assert.is(settings.value("seriesBudget"), 7);
    const again = running(state, changed);
    assert.is(again.value("seriesBudget"), 7);
    assert.is(again.kept("seriesBudget")?.by, "ann");
    again.reset("seriesBudget")();
    assert.is(again.value("seriesBudget"), 5);
    assert.is(running(state).kept("seriesBudget"), undefined);
    assert.equal(changed, ["seriesBudget", "seriesBudget", "seriesBudget"]);
  });

  test("nothing has changed until the transaction is through, and what does not fit changes nothing", async (scope) => {
    const settings = running(await open(scope));
    const through = settings.set(word("logLevel", "debug"));
    assert.is(settings.value("logLevel"), "info");
    through();
    assert.is(settings.value("logLevel"), "debug");
    for (const [name, text] of [
      ["logLevel", "loud"],
      ["seriesBudget", "0"],
      ["spoolSize", "x".repeat(maxSettingLength + 1)],
      ["httpPort", "80"],
      ["nobody", "1"],
    ] as const)
      assert.throws(
        () => settings.set(word(name, text)),
        (error: unknown) => error instanceof BadInputError,
        name,
      );
    assert.is(settings.value("logLevel"), "debug");
  });

  test("their owners in a console ask for the value each time", async (scope) => {
    const state = await open(scope);
    const settings = running(state);
    const console = new Console({
      directory: state.directory,
      state,
      // Nobody is there: it goes on trying.
      url: "mqtt://127.0.0.1:1",
      log: silentLog,
      get seriesBudget() {
        return settings.value("seriesBudget");
      },
      get spoolBytes() {
        return settings.value("spoolSize");
      },
    });
    await console.start();
    scope.cleanup(() => console.stop());
    const seen = (): number[] => [console.contract.budget.budget, console.storeHealth().spool.limit / 1024 ** 2];
    assert.equal(seen(), [5, 64]);
    settings.set(word("seriesBudget", "9"))();
    settings.set(word("spoolSize", "3"))();
    assert.equal(seen(), [9, 3]);
    settings.reset("spoolSize")();
    assert.equal(seen(), [9, 64]);
  });

  test("what another version has kept, and this one does not take, does not count", async (scope) => {
    const state = await open(scope);
    const insert = state.database.prepare("INSERT INTO console_settings VALUES (?, ?, 'ann', 1)");
    insert.run("seriesBudget", "none");
    insert.run("gone", "1");
    const settings = running(state);
    assert.is(settings.value("seriesBudget"), 5);
  });
});
