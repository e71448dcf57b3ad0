import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { ConsolePresence } from "./console-presence.ts";

/** What is heard, as session and online or not, kept by the broker or not; and what is made of it. */
const stories: readonly [
  string,
  readonly (readonly [string, "+" | "-", "kept" | "live", string | undefined, boolean])[],
][] = [
  ["a console that was there", [["a", "+", "kept", undefined, false]]],
  ["one that comes", [["a", "+", "live", "returned", false]]],
  [
    "the will of a former connection, 45 s late",
    [
      ["b", "+", "live", "returned", false],
      ["a", "-", "live", "past", false],
      ["b", "-", "live", undefined, true],
    ],
  ],
  [
    "a will that was kept, and the console's word upon it",
    [
      ["a", "-", "kept", undefined, true],
      ["b", "+", "live", "returned", false],
    ],
  ],
  [
    "the same console tells something else",
    [
      ["a", "+", "kept", undefined, false],
      ["a", "+", "live", undefined, false],
      ["b", "+", "live", "returned", false],
    ],
  ],
];

suite("the console's presence at an agent", ({ test }) => {
  for (const [what, heard] of stories)
    test(what, () => {
      const presence = new ConsolePresence();
      for (const [session, sign, how, made, isAway] of heard) {
        assert.is(presence.heard({ v: 1, online: sign === "+", session }, how === "kept"), made);
        assert.is(presence.isAway, isAway);
      }
    });

  test("the fleet's size is the newest one told, and outlives the connection", () => {
    const presence = new ConsolePresence();
    assert.is(presence.fleet, 0);
    presence.heard({ v: 1, online: true, session: "a", fleet: 4_000 }, true);
    presence.heard({ v: 1, online: false, session: "a" }, false);
    presence.forget();
    assert.is(presence.fleet, 4_000);
    presence.heard({ v: 1, online: true, session: "b" }, false);
    assert.is(presence.fleet, 4_000, "a console of before does not say");
    presence.heard({ v: 1, online: true, session: "b", fleet: 4 }, false);
    assert.is(presence.fleet, 4);
  });
});
