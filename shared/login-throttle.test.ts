import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../test/suite.ts";
import {
  failuresRemembered,
  freeFailures,
  freeFailuresOfAddress,
  hashesAtOnce,
  LoginsBusyError,
  type LoginSource,
  LoginThrottle,
  loginsWaiting,
  maxLoginWait,
  pauseOfAddress,
  pauseOfName,
} from "./login-throttle.ts";

/** A throttle whose checks end when they are told to, in the order of their turns. */
function start() {
  const clock = new ManualClock();
  const throttle = new LoginThrottle(clock);
  const turns: string[] = [];
  const ends: (() => void)[] = [];
  const refused: string[] = [];
  const login = (
    address: string,
    name: string,
    label = `${address} ${name}`,
    more: Omit<LoginSource, "address"> = {},
  ): void => {
    const source = { address, ...more };
    const check = async (): Promise<void> => {
      turns.push(label);
      await new Promise<void>((resolve) => ends.push(resolve));
    };
    throttle.inTurn(source, name, check).catch((error: unknown) => {
      assert.instance(error, LoginsBusyError);
      refused.push(label);
    });
  };
  /** Lets what runs end as a wrong secret would, and the next begin. */
  const fail = async (address: string, name: string): Promise<void> => {
    throttle.failed({ address }, name);
    await end();
  };
  const end = async (): Promise<void> => {
    await settled();
    ends.shift()?.();
    await settled();
  };
  return { clock, throttle, turns, refused, login, fail, end };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

suite("login throttle", ({ test }) => {
  test("so many hashes run at once, and no more", async () => {
    const { throttle, turns, login, end } = start();
    for (let turn = 0; turn < hashesAtOnce + 1; turn++) login("a", `n${turn}`);
    await settled();
    assert.is(turns.length, hashesAtOnce);
    assert.is(throttle.waiting, 1);
    await end();
    assert.is(turns.length, hashesAtOnce + 1);
  });

  test("whoever comes to a flood from elsewhere has the second turn, whatever floods", async () => {
    const { turns, login, fail } = start();
    for (let turn = 0; turn < 200; turn++) login("flood", `n${turn}`);
    await fail("flood", "n0");
    login("home", "ann");
    for (let turn = 0; turn < 50; turn++) login("flood", `late${turn}`);
    await fail("flood", "n199");
    assert.is(turns.indexOf("home ann"), 2);
  });

  test("after a burst of wrong secrets of the same name from the same address, a right one has one of the next two turns", async () => {
    const { clock, turns, login, fail } = start();
    for (let turn = 0; turn < loginsWaiting; turn++) login("office", "ann", `wrong ${turn}`);
    for (let turn = 0; turn <= freeFailures; turn++) await fail("office", "ann");
    const before = turns.length;
    login("office", "ann", "right");
    clock.advance(pauseOfName);
    await fail("office", "ann");
    clock.advance(pauseOfName);
    await settled();
    assert.ok(turns.slice(before, before + 2).includes("right"), turns.slice(before).join());
  });

  test("who has come in from there before goes first, whatever others do at that address, until it fails often itself", async () => {
    const { throttle, turns, login, fail } = start();
    for (let turn = 0; turn <= freeFailuresOfAddress; turn++) throttle.failed({ address: "office" }, `n${turn}`);
    for (let turn = 0; turn < 20; turn++) login("office", `n${turn}`);
    for (let turn = 0; turn < 20; turn++) login(`elsewhere ${turn}`, "ann");
    login("office", "ann", "known", { known: true });
    for (let turn = 20; turn < 40; turn++) login(`elsewhere ${turn}`, "ann");
    await fail("office", "n0");
    assert.is(turns[1], "known");
    for (let turn = 0; turn <= freeFailures; turn++) throttle.failed({ address: "office" }, "ann");
    login("office", "ann", "guesses", { known: true });
    await fail("elsewhere", "ann");
    assert.not(turns.includes("guesses"));
  });

  test("in a stream of logins that never ends the oldest has every second turn", async () => {
    const { turns, login, end } = start();
    login("running", "x");
    for (let turn = 0; turn < 10; turn++) login(`early ${turn}`, "ann");
    for (let turn = 0; turn < 20; turn++) {
      login(`late ${turn}`, "bob");
      await end();
    }
    assert.equal(
      turns.filter((label) => label.startsWith("early")),
      Array.from({ length: 10 }, (_, at) => `early ${at} ann`),
    );
  });

  test("a name that has failed often has a turn a second, and waits no longer than that", async () => {
    const { clock, throttle, turns, login, end } = start();
    for (let turn = 0; turn < freeFailures; turn++) throttle.failed({ address: "a" }, "ann");
    login("a", "ann", "free");
    await end();
    throttle.failed({ address: "a" }, "ann");
    login("a", "ann", "delayed");
    await settled();
    assert.equal(turns, ["free"]);
    clock.advance(pauseOfName - 1);
    assert.equal(turns, ["free"]);
    login("a", "bob", "another name");
    await end();
    clock.advance(1);
    await settled();
    assert.equal(turns, ["free", "another name", "delayed"]);
  });

  test("an address that has failed often with many names has a few turns a second", async () => {
    const { clock, throttle, turns, login, end } = start();
    for (let turn = 0; turn <= freeFailuresOfAddress; turn++) throttle.failed({ address: "a" }, `n${turn}`);
    login("a", "ann", "first");
    await end();
    login("a", "bob", "second");
    await settled();
    assert.equal(turns, ["first"]);
    clock.advance(pauseOfAddress);
    await settled();
    assert.equal(turns, ["first", "second"]);
  });

  test("beyond the bound the oldest of the greediest address and name goes", async () => {
    const { throttle, refused, login } = start();
    login("running", "x");
    login("home", "ann");
    for (let turn = 0; turn < 10; turn++) login("flood", "many", `many ${turn}`);
    for (let turn = 0; turn < loginsWaiting - 11; turn++) login("flood", `n${turn}`);
    assert.is(throttle.waiting, loginsWaiting);
    await settled();
    assert.equal(refused, []);
    login("late", "comer");
    await settled();
    assert.is(throttle.waiting, loginsWaiting);
    assert.equal(refused, ["many 0"]);
  });

  test("what has waited too long, and whom nobody waits for, is let go", async () => {
    const { clock, throttle, turns, refused, login, end } = start();
    let gone = false;
    login("a", "running");
    login("a", "left", "left", { gone: () => gone });
    gone = true;
    await end();
    assert.equal([turns.length, refused], [1, ["left"]]);
    login("a", "x");
    login("a", "ann", "waits");
    clock.advance(maxLoginWait - 1);
    await settled();
    assert.is(throttle.waiting, 1);
    clock.advance(1);
    await settled();
    assert.is(throttle.waiting, 0);
    assert.equal(refused, ["left", "waits"]);
  });

  test("failures are forgotten after a minute, and by a success of that name", async () => {
    const { clock, throttle, turns, login, end } = start();
    for (let turn = 0; turn <= freeFailures; turn++) throttle.failed({ address: "a" }, "ann");
    throttle.succeeded({ address: "a" }, "ann");
    for (const label of ["first", "second"]) {
      login("a", "ann", label);
      await end();
    }
    assert.equal(turns, ["first", "second"]);
    for (let turn = 0; turn <= freeFailures; turn++) throttle.failed({ address: "a" }, "ann");
    clock.advance(60_000);
    for (const label of ["third", "fourth"]) {
      login("a", "ann", label);
      await end();
    }
    assert.is(turns.length, 4);
  });

  test("who tries more names than are remembered is still known by its address", async () => {
    const { throttle, turns, login, end } = start();
    for (let turn = 0; turn <= failuresRemembered; turn++) throttle.failed({ address: "2001:db8::1" }, `n${turn}`);
    login("2001:db8::2", "ann", "first");
    await end();
    login("2001:db8::3", "bob", "second");
    await settled();
    assert.equal(turns, ["first"]);
  });
});
