import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { makeAccounts } from "./accounts.ts";
import { isOpenHere } from "./connections.ts";

suite("chaos: accounts", ({ test }) => {
  test("whoever has made accounts has left the console's directory", async (scope) => {
    const directory = await scope.directory();
    await makeAccounts(directory, [{ name: "ann", role: "operator", secret: "long enough to be one" }], ["ann"]);
    assert.is(isOpenHere(directory), false);
  });
});
