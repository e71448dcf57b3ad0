import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { readAck } from "#shared/messages/metrics";
import { suite } from "../../test/suite.ts";
import { Acks, maxAckedATurn, toRanges } from "./acks.ts";

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

  test("so many devices a turn, the others in the next; at the end all of them", async () => {
    const told = new Set<string>();
    const acks = new Acks(
      (device) => told.add(device),
      () => ({ ts: 0 }),
    );
    const store = (count: number): void => {
      for (let number = 0; number < count; number += 1) acks.stored(parseDeviceId(`d${number}`), "a", 1);
    };
    store(maxAckedATurn + 1);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(told.size, maxAckedATurn);
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(told.size, maxAckedATurn + 1);
    told.clear();
    store(3 * maxAckedATurn);
    acks.flush();
    assert.is(told.size, 3 * maxAckedATurn);
  });
});
