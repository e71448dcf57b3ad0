import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { maxWaitingCalls, Patience } from "./patience.ts";
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
    const calls = Array.from({ length: maxWaitingCalls }, () => call("ann"));
    const error = await call("ann").catch((thrown: unknown) => thrown);
    assert.instance(error, HttpError);
    assert.is((error as HttpError).status, 429);
    assert.is(begun, maxWaitingCalls);
    calls.push(call("bob"));
    ends[0]?.();
    await calls[0];
    calls.push(call("ann"));
    assert.is(begun, maxWaitingCalls + 2);
    for (const end of ends) end();
    await Promise.all(calls);
  });

  test("end when their account changes, and no other's", async () => {
    const patience = new Patience();
    const never = (): Promise<void> => new Promise(() => {});
    const own = [patience.wait("ann", never), patience.wait("ann", never)].map((call) =>
      call.catch((thrown) => thrown),
    );
    const other = patience.wait("bob", async () => "answered");
    patience.end("ann");
    for (const error of (await Promise.all(own)) as HttpError[]) {
      assert.is(error.status, 401);
      assert.match(error.message, /ann has changed meanwhile, or is gone; the command goes on/);
    }
    assert.is(await other, "answered");
    patience.end("ann");
  });
});
