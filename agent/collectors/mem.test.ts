import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { record, sample } from "./fixture.ts";
import { mem } from "./mem.ts";
import { swap } from "./swap.ts";

const meminfo = `MemTotal:        8000 kB
MemFree:         1000 kB
MemAvailable:    6000 kB
Buffers:          100 kB
Cached:          3000 kB
SwapCached:         4 kB
Active:          2000 kB
Active(anon):      77 kB
SwapTotal:       4000 kB
SwapFree:        3000 kB
Shmem:             50 kB
SReclaimable:     500 kB
HugePages_Total:    3
HugePages_Free:     2
Hugepagesize:    2048 kB
`;

suite("mem and swap", ({ test }) => {
  test("used is what is not available, cached holds the reclaimable slab", async (scope) => {
    const { proc } = await record(scope, { "/proc/meminfo": meminfo });
    const [reading] = await sample(mem(proc));
    const fields = reading?.fields ?? {};
    assert.is(fields["total"], 8_192_000);
    assert.is(fields["available"], 6_144_000);
    assert.is(fields["used"], 2_048_000);
    assert.is(fields["used_percent"], 25);
    assert.is(fields["available_percent"], 75);
    assert.is(fields["cached"], 3_500 * 1_024);
    assert.is(fields["buffered"], 102_400);
    assert.is(fields["active"], 2_048_000);
    assert.is(fields["shared"], 51_200);
    assert.is(fields["swap_cached"], 4_096);
    assert.is(fields["huge_pages_total"], 3);
    assert.is(fields["huge_pages_free"], 2);
    assert.is(fields["huge_page_size"], 2_097_152);
    assert.is(fields["low_total"], 0, "a line that this kernel lacks");
  });

  test("a kernel that does not say what is available: free and cached are", async (scope) => {
    const { proc } = await record(scope, { "/proc/meminfo": meminfo.replace(/MemAvailable.*\n/, "") });
    const [reading] = await sample(mem(proc));
    assert.is(reading?.fields["available"], 4_500 * 1_024);
    assert.is(reading?.fields["used"], 3_500 * 1_024);
  });

  test("a line that is there counts: zero is a size", async (scope) => {
    const { proc } = await record(scope, { "/proc/meminfo": meminfo.replace(/(MemAvailable:) +6000/, "$1 0") });
    const [reading] = await sample(mem(proc));
    assert.is(reading?.fields["available"], 0);
    assert.is(reading?.fields["used_percent"], 100);
  });

  test("swap: bytes, percent, and the pages that went in and out", async (scope) => {
    const vmstat = "nr_free_pages 1\npswpin 3\npswpout 5\n";
    const { proc, write } = await record(scope, { "/proc/meminfo": meminfo, "/proc/vmstat": vmstat });
    const total = 4_096_000;
    const counted = { in: 12_288, out: 20_480 };
    const [reading] = await sample(swap(proc));
    const fields = { total, free: 3_072_000, used: 1_024_000, used_percent: 25, ...counted };
    assert.equal(reading, { measurement: "swap", tags: {}, fields });
    await write({ "/proc/meminfo": "SwapTotal: 0 kB\nSwapFree: 0 kB\n" });
    const [none] = await sample(swap(proc));
    assert.equal(none?.fields, { total: 0, free: 0, used: 0, used_percent: 0, ...counted });
  });
});
