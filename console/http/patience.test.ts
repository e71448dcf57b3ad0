import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { mostWaitingCalls, Patience } from "./patience.ts";
import { HttpError } from "./problem.ts";

suite("calls that wait", ({ test }) => {
  test("have a share for each account; beyond it nothing is begun, and an end makes room", async () => {
    const patience = new Patience();
    const ends: (() => void)[] = [];
    let begun = 0;
    const call = (account: string): Promise<void> =>
      patience.wait(account, () => {
        begun += 1;
        return new Promise<void>((resolve) => ends.push(resolve));
      });
    const calls = Array.from({ length: mostWaitingCalls }, () => call("ann"));
    const error = await call("ann").catch((thrown: unknown) => thrown);
    assert.instance(error, HttpError);
    assert.is((error as HttpError).status, 429);
    assert.is(begun, mostWaitingCalls);
    calls.push(call("bob"));
    ends[0]?.();
    await calls[0];
    calls.push(call("ann"));
    assert.is(begun, mostWaitingCalls + 2);
    for (const end of ends) end();
    await Promise.all(calls);
  });
});
