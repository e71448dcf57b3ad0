import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../../test/suite.ts";
import { HeldCounts, maxHeldBytes, maxHeldFields, type HeldOf } from "./held-counts.ts";

const [rpi7, rpi8] = [parseDeviceId("rpi-7"), parseDeviceId("rpi-8")];
const one: HeldOf = { device: rpi7, got: "text", sample: "warm", values: 2, dropped: 0, first: 10, last: 20 };

/** What was done, and what then is held of `room.t` of the first device. */
const cases: readonly (readonly [what: string, done: (counts: HeldCounts) => void, held: HeldOf | undefined])[] = [
  ["nothing", () => {}, undefined],
  ["one row", (counts) => counts.add("room", "t", one, 100), one],
  [
    "two rows, the second of earlier and later",
    (counts) => {
      counts.add("room", "t", one, 100);
      counts.add("room", "t", { ...one, sample: "hot", values: 3, first: 5, last: 25 }, 100);
    },
    { ...one, values: 5, first: 5, last: 25 },
  ],
  ["a row of another device", (counts) => counts.add("room", "t", { ...one, device: rpi8 }, 100), undefined],
  [
    "values that had no room",
    (counts) => {
      counts.add("room", "t", one, 100);
      counts.dropped(rpi7, "room", "t", 4);
      counts.dropped(rpi7, "room", "other", 4);
    },
    { ...one, dropped: 4 },
  ],
  [
    "some left",
    (counts) => {
      counts.add("room", "t", one, 100);
      counts.measured(rpi7, "room", "t", { values: 1, first: 20, last: 20 });
    },
    { ...one, values: 1, first: 20 },
  ],
  [
    "none left",
    (counts) => {
      counts.add("room", "t", one, 100);
      counts.measured(rpi7, "room", "t", { values: 0, first: 0, last: 0 });
    },
    undefined,
  ],
];

suite("how much is held", ({ test }) => {
  for (const [what, done, held] of cases)
    test(what, () => {
      const counts = new HeldCounts();
      done(counts);
      assert.equal(counts.of("room", "t").get(rpi7), held);
      assert.is(counts.fieldsOf(rpi7).has("room\nt"), held !== undefined);
    });

  test("a device has so many fields; what is let go makes room", () => {
    const counts = new HeldCounts();
    for (let at = 0; at < maxHeldFields.ofDevice; at++) counts.add("room", `f${at}`, one, 1);
    assert.is(counts.takesField(rpi7, "room", "f0"), true, "one that it has");
    assert.is(counts.takesField(rpi7, "room", "more"), false);
    assert.is(counts.takesField(rpi8, "room", "more"), true, "another device");
    counts.measured(rpi7, "room", "f0", undefined);
    assert.is(counts.takesField(rpi7, "room", "more"), true);
  });

  test("a device has so many bytes; what is let go makes room", () => {
    const counts = new HeldCounts();
    counts.add("room", "t", one, maxHeldBytes.ofDevice);
    assert.is(counts.hasRoom(rpi7, 1), false);
    assert.is(counts.hasRoom(rpi8, maxHeldBytes.ofDevice), true);
    counts.weighed(rpi7, maxHeldBytes.ofDevice - 1);
    assert.is(counts.hasRoom(rpi7, 1), true);
    counts.clear();
    assert.is(counts.hasRoom(rpi7, maxHeldBytes.ofDevice), true);
  });
});
