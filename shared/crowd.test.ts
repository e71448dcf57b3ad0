import * as assert from "uvu/assert";
import { Crowd, networkOf, siteOf, strangersOfOne, type Visit } from "#shared/crowd";
import { suite } from "../test/suite.ts";

function enter(crowd: Crowd, address: string, times: number): Visit[] {
  return Array.from({ length: times }, () => crowd.enter(address)).filter((visit) => visit !== undefined);
}

const networks: readonly (readonly [address: string, network: string])[] = [
  ["10.0.0.7", "10.0.0.7"],
  ["::ffff:10.0.0.7", "10.0.0.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
  ["2001:db8:1:2::6", "2001:db8:1:2::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["", ""],
];

suite("crowd", ({ test }) => {
  test("strangers of one network get a quarter of the room, and all strangers half", () => {
    const crowd = new Crowd({ connections: 400, strangersOfOne });
    assert.is(enter(crowd, "10.0.0.1", 101).length, 100);
    assert.is(enter(crowd, "10.0.0.2", 99).length, 99);
    assert.is(enter(crowd, "10.0.0.3", 2).length, 1);
    assert.is(crowd.refused, 2);
    assert.is(crowd.count, 200);
  });

  test("however large the room, strangers of one network are few", () => {
    const crowd = new Crowd({ connections: 1_000_000, strangersOfOne });
    assert.is(enter(crowd, "10.0.0.1", strangersOfOne + 1).length, strangersOfOne);
    assert.is(enter(crowd, "10.0.0.2", 1).length, 1);
  });

  test("strangers of one IPv6 site get three eighths, however many networks they have", () => {
    const crowd = new Crowd({ connections: 400, strangersOfOne });
    const visits = Array.from({ length: 200 }, (_, at) => crowd.enter(`2001:db8:1:${at.toString(16)}::1`));
    assert.is(visits.filter((visit) => visit !== undefined).length, 150);
    assert.is(enter(crowd, "2001:db8:2::1", 50).length, 50);
    visits[0]?.known();
    visits[1]?.leave();
    assert.is(enter(crowd, "2001:db8:1::1", 3).length, 2);
    assert.equal(["192.0.2.1", ""].map(siteOf), ["192.0.2.1", ""]);
  });

  test("who logged in counts in total alone: a fleet behind one address is let in", () => {
    const crowd = new Crowd({ connections: 400, strangersOfOne: 5 });
    for (let at = 0; at < 400; at++) crowd.enter("10.0.0.1")?.known();
    assert.is(crowd.count, 400);
    assert.is(crowd.enter("10.0.0.2"), undefined);
  });

  test("a proxy's strangers are bounded with all others'", () => {
    const crowd = new Crowd({ connections: 400, strangersOfOne });
    const visits = Array.from({ length: 201 }, () => crowd.enter("10.0.0.1", { shared: true }));
    assert.is(visits.filter((visit) => visit !== undefined).length, 200);
  });

  test("who leaves makes room, once", () => {
    const crowd = new Crowd({ connections: 4, strangersOfOne: 1 });
    const [stranger] = enter(crowd, "10.0.0.1", 1);
    assert.is(crowd.enter("10.0.0.1"), undefined);
    stranger?.leave();
    stranger?.leave();
    stranger?.known();
    assert.is(crowd.count, 0);
    const [next] = enter(crowd, "10.0.0.1", 1);
    next?.known();
    next?.leave();
    assert.is(crowd.count, 0);
    assert.is(enter(crowd, "10.0.0.1", 2).length, 1);
  });

  test("what one network is", () => {
    for (const [address, network] of networks) assert.is(networkOf(address), network, address);
  });
});
