import { join } from "node:path";
import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import type { Batch } from "#shared/messages/metrics";
import { suite, type Scope } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { migrations } from "../database/schema.ts";
import { ClockOffsets } from "./clock-offsets.ts";
import { Placing } from "./placing.ts";
import { Skews, type ClockState } from "./skews.ts";

const rpi = parseDeviceId("rpi-7");
const now = Date.UTC(2026, 10, 21);
const minute = 60_000;
const y2036 = Date.UTC(2036, 0, 1);

const batch = (changes: Partial<Batch>): Batch => ({
  v: 1,
  outbox: "a",
  seq: 1,
  t: now,
  dt: [0, 1_000, 2_000],
  m: [],
  ...changes,
});

/** A placing on a real database; `restart` gives one that knows only what is on the disk. */
async function open(scope: Scope) {
  const database = openDatabase(join(await scope.directory(), "muster.db"), migrations);
  scope.cleanup(() => database.close());
  const restart = () => {
    const placing = new Placing(new ClockOffsets(database));
    /** Where the first instant is placed. */
    return (changes: Partial<Batch>, arrival: number, watermark: number | null = null, unsure = false): number => {
      const made = batch(changes);
      return made.t + placing.place(rpi, made, { arrival, watermark, unsure }).shift;
    };
  };
  const count = (): number =>
    (database.prepare("SELECT COUNT(*) AS count FROM clock_offsets").get() as { count: number }).count;
  return { database, restart, count };
}

suite("placing", ({ test }) => {
  test("a clock that is right within five minutes is believed, also for a batch that waited a day", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    for (const off of [0, -4 * minute, 4.9 * minute])
      for (const age of [2_000, 86_400_000])
        assert.is(place({ t: now - age + off, age, epoch: "e", mono: 5_000 }, now), now - age + off);
    assert.is(place({ t: now - 86_400_000 }, now), now - 86_400_000);
    assert.is(place({ t: now + 4 * minute }, now), now + 4 * minute);
    assert.is(count(), 0);
  });

  test("2036 and 1970 are placed on arrival less age, and again at the same times, whatever the delay and after a restart", async (scope) => {
    for (const t of [y2036, 0, 170_000]) {
      const { restart } = await open(scope);
      const place = restart();
      const first = { t, epoch: "e", mono: 170_000, age: 2_000 };
      assert.is(place(first, now), now - 2_000);
      assert.is(place({ ...first, age: 12_345 }, now + 10_400), now - 2_000);
      const later = { t: t + 30_000, epoch: "e", mono: 200_000, age: 2_000 };
      assert.is(place(later, now + 30_123), now + 28_000);
      const again = restart();
      assert.is(again({ ...first, age: 90_000 }, now + 88_500), now - 2_000);
      assert.is(again({ ...later, age: 90_000 }, now + 118_500), now + 28_000);
    }
  });

  test("an offset in which a bit was turned counts for nothing", async (scope) => {
    const { database, restart, count } = await open(scope);
    const first = { t: y2036, epoch: "e", mono: 170_000, age: 2_000 };
    assert.is(restart()(first, now), now - 2_000);
    database.exec("UPDATE clock_offsets SET zero = zero + 65536");
    assert.is(restart()({ ...first, age: 12_345 }, now + 10_400), now - 1_945);
    assert.is(count(), 1);
  });

  test("when the clock is set right in between, what is still in the outbox is placed where it belongs", async (scope) => {
    const { restart } = await open(scope);
    const place = restart();
    assert.is(place({ t: now + 60_000, epoch: "e", mono: 180_000, age: 2_000 }, now + 62_000), now + 60_000);
    assert.is(place({ t: 120_000, epoch: "e", mono: 120_000, age: 62_100 }, now + 62_100), now);
    assert.is(place({ t: 130_000, epoch: "e", mono: 130_000, age: 53_000 }, now + 62_100), now + 10_000);
  });

  test("a right clock is not doubted because the console slept on a batch for an hour", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    place({ t: now, epoch: "e", mono: 100_000, age: 2_000 }, now + 2_000);
    assert.is(place({ t: now + 10_000, epoch: "e", mono: 110_000, age: 2_000 }, now + 3_600_000), now + 10_000);
    assert.is(count(), 0);
    // One that was set back in between is.
    assert.is(place({ t: 0, epoch: "e", mono: 120_000, age: 2_000 }, now + 22_000), now + 20_000);
  });

  test("a drifting device follows the console's clock, and nothing that was placed moves", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    const day = 86_400_000;
    const at = (days: number, drift: number) => ({ t: y2036, epoch: "e", mono: days * day, age: 2_000, drift });
    const arrivalOf = (days: number, drift: number): number => now + days * day + drift;
    assert.is(place(at(0, 0), arrivalOf(0, 0)), now - 2_000);
    assert.is(place(at(30, 0), arrivalOf(30, 90_000)), arrivalOf(30, 0) - 2_000);
    assert.is(place(at(31, 0), arrivalOf(31, 93_000)), arrivalOf(31, 90_000) - 2_000);
    assert.is(place(at(30, 0), arrivalOf(30, 90_500)), arrivalOf(30, 0) - 2_000);
    assert.is(count(), 2);
  });

  test("an earlier run of the machine with a wrong clock keeps its order and distances, before the present", async (scope) => {
    const { restart } = await open(scope);
    const place = restart();
    const watermark = now - 3_600_000;
    assert.is(place({ t: 10_000, epoch: "old", mono: 10_000 }, now, watermark), watermark + 1);
    assert.is(restart()({ t: 20_000, epoch: "old", mono: 20_000 }, now, watermark), watermark + 10_001);
    assert.is(place({ t: 10_000, epoch: "older", mono: 10_000 }, now), now - 2_000);
  });

  test("an earlier run that was heard while it lasted is placed by what was heard then", async (scope) => {
    const { restart } = await open(scope);
    restart()({ t: y2036, epoch: "e", mono: 100_000, age: 2_000 }, now);
    assert.is(restart()({ t: y2036 + 60_000, epoch: "e", mono: 160_000 }, now + 3_600_000), now + 58_000);
  });

  test("a device without any clock: by arrival, and no two batches over one another", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    assert.is(place({ t: 0, dt: [0] }, now), now);
    assert.is(place({ t: 0, dt: [0] }, now), now + 1);
    assert.is(place({ t: y2036 }, now + 50), now + 50 - 2_000);
    assert.is(place({ t: y2036, age: 9_000 }, now), now - 9_000);
    assert.is(count(), 0);
  });

  test("a hostile device: absurd ages and uptimes count as none, a last instant in the future does, and epochs are bounded", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    assert.is(place({ t: y2036, epoch: "e", mono: 1e300, age: 1e300, dt: [0] }, now), now);
    assert.is(place({ t: now, dt: [0, 86_400_000], age: 5 }, now), now - 86_400_000);
    assert.is(place({ t: now, dt: [0, 86_400_000] }, now + 1_000), now + 1_000 - 86_400_000);
    for (let at = 0; at < 40; at += 1) place({ t: y2036, epoch: `e${at}`, mono: 5, age: 5 }, now + at);
    assert.is(count(), 16);
  });

  test("while the console's own clock may be the wrong one, a device's stands, unless it was found wrong before", async (scope) => {
    const { restart, count } = await open(scope);
    const place = restart();
    const wrong = { t: y2036, epoch: "known", mono: 170_000, age: 0 };
    const zero = place(wrong, now);
    const ahead = now + 8 * 86_400_000;
    for (const unsure of [true, false])
      assert.is(
        place({ ...wrong, t: y2036 + 1_000, mono: 171_000 }, unsure ? ahead : now + 1_000, null, unsure),
        zero + 1_000,
      );
    for (const changes of [
      { age: 0 },
      { age: 0, epoch: "e", mono: 5_000 },
      { t: now + 9 * 86_400_000, epoch: "e", mono: 5 },
    ])
      assert.is(place(changes, ahead, null, true), changes.t ?? now);
    for (const changes of [{ t: 5_000, age: 0, epoch: "f", mono: 5_000 }, { t: 5_000, age: 0 }, { t: 5_000 }])
      assert.throws(() => place(changes, ahead, null, true), /neither the device's clock nor the console's/);
    assert.is(count(), 1);
  });
});

suite("skews", ({ test }) => {
  const follow = () => {
    const told: ClockState[] = [];
    const skews = new Skews((_, state) => void told.push(state));
    const note = (changes: Partial<Batch>, skew: number | null | undefined, arrival: number) =>
      skews.note(rpi, batch(changes), { shift: 0, end: null, skew }, arrival);
    return { told, note };
  };

  test("a wrong clock is a sentence that stays the same, until the clock is right", () => {
    const { told, note } = follow();
    const ahead = 9 * 31_557_600_000 + 40 * 86_400_000;
    note({ epoch: "e", mono: 1 }, ahead, now);
    note({ epoch: "e", mono: 2 }, ahead + 4_000, now + 1_000);
    note({ epoch: "e", mono: 3 }, -12.3, now + 2_000);
    // Made before the clock was set right, and sent after.
    note({ epoch: "e", mono: 2 }, ahead, now + 3_000);
    const problem = "its clock is 9 y 40 d ahead: its samples are placed by their arrival";
    assert.equal(told, [
      { skew: ahead, problem },
      { skew: ahead + 4_000, problem },
      { skew: -12, problem: null },
    ]);
  });

  test("spans are told in two units", () => {
    const cases: [number, RegExp][] = [
      [-6 * minute, /6 m behind/],
      [90 * minute, /1 h 30 m ahead/],
      [-86_400_000, /1 d behind/],
    ];
    for (const [skew, expected] of cases) {
      const { told, note } = follow();
      note({}, skew, now);
      assert.match(told[0]?.problem ?? "", expected);
    }
  });

  test("is a point a minute, of those batches that tell it", () => {
    const { note } = follow();
    assert.equal(note({ mono: 1 }, 12.4, now), {
      device: rpi,
      measurement: "muster_device",
      tags: {},
      times: [now],
      fields: { clock_skew_ms: 12 },
    });
    assert.is(note({ mono: 2 }, 13, now + 59_999), undefined);
    assert.is(note({ mono: 3 }, null, now + 60_000), undefined);
    assert.is(note({ mono: 3 }, undefined, now + 60_000), undefined);
    assert.ok(note({ mono: 4 }, 13, now + 60_000));
  });
});
