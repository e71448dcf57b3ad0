import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { diskio } from "./diskio.ts";
import { record, sample } from "./fixture.ts";

const first = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0
 179       0 mmcblk0 100 5 2000 300 50 6 1000 400 1 600 700 3 40 421920 276 1087 39
`;
const second = `   7       0 loop0 0 0 0 0 0 0 0 0 0 0 0
 179       0 mmcblk0 130 5 2600 360 60 7 1200 500 0 640 900
`;

suite("diskio", ({ test }) => {
  test("counters since boot in bytes and milliseconds; unused devices are left out", async (scope) => {
    const { proc } = await record(scope, { "/proc/diskstats": first });
    const fields = {
      reads: 100,
      merged_reads: 5,
      read_bytes: 1_024_000,
      read_time: 300,
      writes: 50,
      merged_writes: 6,
      write_bytes: 512_000,
      write_time: 400,
      iops_in_progress: 1,
      io_time: 600,
      weighted_io_time: 700,
    };
    assert.equal(await sample(diskio(proc)), [{ measurement: "diskio", tags: { name: "mmcblk0" }, fields }]);
  });

  test("a second sample tells how long an operation waited and how busy the device was", async (scope) => {
    const { proc, write } = await record(scope, { "/proc/diskstats": first });
    const clock = new ManualClock();
    const collector = diskio(proc);
    await sample(collector, clock);
    await write({ "/proc/diskstats": second });
    clock.advance(1_000);
    const [busy] = await sample(collector, clock);
    // 40 operations waited 160 ms in all; the device was busy for 40 of 1,000 ms.
    assert.is(busy?.fields["io_await"], 4);
    assert.is(busy?.fields["io_svctm"], 1);
    assert.is(busy?.fields["io_util"], 4);
    clock.advance(1_000);
    const [idle] = await sample(collector, clock);
    assert.is(idle?.fields["io_util"], 0);
    assert.not("io_await" in (idle?.fields ?? {}));
    await write({ "/proc/diskstats": first });
    clock.advance(1_000);
    const [replaced] = await sample(collector, clock);
    assert.not("io_util" in (replaced?.fields ?? {}), "the device is another one now");
  });
});
