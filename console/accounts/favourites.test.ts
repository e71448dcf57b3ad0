import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { maxDisplayName } from "#shared/device-labels";
import { BadInputError } from "#shared/errors";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { Favourites, maxKept, maxKeptBytes } from "./favourites.ts";

suite("what people keep for themselves", ({ test }) => {
  test("is theirs alone, by names, so much at most, and goes with the account; a damaged row costs itself", async (scope) => {
    const state = openState(await scope.directory(), new ManualClock());
    scope.cleanup(() => state.close());
    for (const name of ["ann", "bob"]) state.accounts.set(name, "operator");
    const favourites = new Favourites(state.database);
    const refused = (act: () => unknown, why: RegExp): void => {
      try {
        act();
        assert.unreachable("it was taken");
      } catch (error) {
        assert.instance(error, BadInputError);
        assert.match((error as Error).message, why);
      }
    };

    const wait = { key: "wait", args: { seconds: 5 }, ttl: 60_000 };
    assert.is(favourites.put("ann", "command", " a nap ", wait), "a nap");
    favourites.put("ann", "view", "a nap", { query: "?group=lab" });
    assert.equal(favourites.list("ann", "command"), [{ name: "a nap", ...wait }]);
    assert.equal(favourites.list("ann", "view"), [{ name: "a nap", query: "?group=lab" }]);
    assert.equal(favourites.list("bob", "command"), []);
    favourites.put("ann", "command", "a nap", { key: "ping", args: {} });
    assert.equal(favourites.list("ann", "command"), [{ name: "a nap", key: "ping", args: {} }]);
    assert.is(favourites.drop("bob", "command", "a nap"), false);

    for (const [name, why] of [
      [" ", /needs a name/],
      ["x".repeat(maxDisplayName + 1), /100 at most/],
      ["a\u202eb", /characters that no line shows/],
    ] as const)
      refused(() => favourites.put("ann", "view", name, { query: "" }), why);
    const room = maxKeptBytes - JSON.stringify({ query: "" }).length;
    favourites.put("ann", "view", "long", { query: "x".repeat(room) });
    refused(() => favourites.put("ann", "view", "longer", { query: "x".repeat(room + 1) }), /expected 8192 at most/);

    for (let at = 2; at < maxKept; at++) favourites.put("ann", "view", `v${at}`, { query: "" });
    refused(() => favourites.put("ann", "view", "one more", { query: "" }), /forget another one first/);
    favourites.put("ann", "view", "long", { query: "" });
    assert.is(favourites.list("ann", "view").length, maxKept);

    favourites.put("bob", "view", "his", { query: "" });
    state.database.prepare("UPDATE favourites SET document = '{' WHERE name = 'v2'").run();
    assert.is(favourites.list("ann", "view").length, maxKept - 1);
    assert.is(state.damage.list(5)[0]?.place, "favourites");
    state.accounts.remove("ann");
    assert.equal([favourites.list("ann", "view"), favourites.list("ann", "command")], [[], []]);
    assert.is(favourites.list("bob", "view").length, 1);
  });
});
