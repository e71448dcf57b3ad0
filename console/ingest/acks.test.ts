import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { readAck } from "#shared/messages/metrics";
import { suite } from "../../test/suite.ts";
import { Acks, toRanges } from "./acks.ts";

suite("acks", ({ test }) => {
  test("numbers become ascending ranges, doubles and disorder included", () => {
    const cases: [number[], [number, number][]][] = [
      [[], []],
      [[5], [[5, 5]]],
      [[1, 2, 3], [[1, 3]]],
      [[3, 1, 2, 2], [[1, 3]]],
      [
        [10, 1, 2, 9, 20],
        [
          [1, 2],
          [9, 10],
          [20, 20],
        ],
      ],
    ];
    for (const [numbers, ranges] of cases) assert.equal(toRanges(numbers), ranges);
  });

  test("one message a turn for each outbox", () => {
    const told: [string, unknown][] = [];
    const clock = new ManualClock();
    const acks = new Acks(
      (device, payload) => told.push([device, readAck(payload)]),
      () => ({ ts: clock.now() }),
    );
    const rpi = parseDeviceId("rpi-7");
    for (const seq of [1, 2, 4]) acks.stored(rpi, "a", seq);
    acks.stored(rpi, "b", 1);
    acks.flush();
    assert.equal(told, [
      [
        "rpi-7",
        {
          outbox: "a",
          ts: clock.now(),
          ranges: [
            [1, 2],
            [4, 4],
          ],
        },
      ],
      ["rpi-7", { outbox: "b", ts: clock.now(), ranges: [[1, 1]] }],
    ]);
    acks.flush();
    assert.is(told.length, 2);
  });
});
