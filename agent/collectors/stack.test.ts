import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { conntrack } from "./conntrack.ts";
import { record, sample } from "./fixture.ts";
import { Gathering } from "./gathering.ts";
import { internal } from "./internal.ts";
import { interrupts, maxInterrupts } from "./interrupts.ts";
import { nstat } from "./nstat.ts";
import { maxLongPause, maxPause, rarely } from "./rarely.ts";
import { sampleAll } from "./sample.ts";
import { sysctlFs } from "./sysctl-fs.ts";
import type { Collector, Reading } from "./collector.ts";

const fieldsBy = (readings: readonly Reading[], tag: string): Record<string, Reading["fields"]> =>
  Object.fromEntries(readings.map(({ tags, fields }) => [tags[tag] ?? "", fields]));

suite("the kernel's stack and the agent itself", ({ test }) => {
  test("nstat: by name, wherever a kernel has put it; what it lacks is left out", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/net/netstat":
        "TcpExt: SyncookiesSent SyncookiesRecv TW ListenDrops TCPAbortOnData \nTcpExt: 1 0 99 3 4 \nIpExt: InNoRoutes\nIpExt: 7\n",
      "/proc/net/snmp":
        "Ip: Forwarding InHdrErrors InDiscards\nIp: 1 5 6\nIcmp: InErrors InEchos\nIcmp: 7 8\nIcmpMsg: InType3\nIcmpMsg: 9\nUdp: NoPorts\nUdp: 10\nUdpLite: NoPorts\nUdpLite: 11\n",
      "/proc/net/snmp6":
        "Ip6InReceives                   \t100\nIp6InHdrErrors                  \t12\nIp6OutNoRoutes \t0\n",
    });
    const { readings } = await sampleAll([nstat(proc)]);
    assert.equal(fieldsBy(readings, "name"), {
      netstat: {
        TcpExtSyncookiesSent: 1,
        TcpExtSyncookiesRecv: 0,
        TcpExtListenDrops: 3,
        TcpExtTCPAbortOnData: 4,
      },
      snmp: { IpInHdrErrors: 5, IpInDiscards: 6, IcmpInErrors: 7, IcmpInEchos: 8, UdpNoPorts: 10 },
      snmp6: { Ip6InHdrErrors: 12, Ip6OutNoRoutes: 0 },
    });
    assert.equal((await sampleAll([nstat((await record(scope, {})).proc)])).readings, []);
  });

  test("conntrack: under its names of today and of before 2.6.20, or not at all", async (scope) => {
    for (const place of ["/proc/sys/net/netfilter/nf_", "/proc/sys/net/ipv4/netfilter/ip_"]) {
      const { proc } = await record(scope, {
        [`${place}conntrack_count`]: "0\n",
        [`${place}conntrack_max`]: "65536\n",
      });
      const [reading] = await sample(conntrack(proc));
      assert.equal(reading?.fields, { ip_conntrack_count: 0, ip_conntrack_max: 65_536 });
    }
    assert.equal(await sample(conntrack((await record(scope, {})).proc)), []);
  });

  test("linux_sysctl_fs: files, inodes and names; no limit is the largest number that is exact", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/sys/fs/file-nr": "931\t0\t9223372036854775807\n",
      "/proc/sys/fs/inode-state": "10\t2\t0\t0\t0\t0\t0\n",
      "/proc/sys/fs/aio-nr": "0\n",
    });
    const [reading] = await sample(sysctlFs(proc));
    assert.equal(reading?.fields, {
      "file-nr": 931,
      "file-max": Number.MAX_SAFE_INTEGER,
      "inode-nr": 10,
      "inode-free-nr": 2,
      "inode-preshrink-nr": 0,
      "aio-nr": 0,
    });
  });

  test("interrupts: of all processors together, with their types as Telegraf tells them; those that never came are left out", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/interrupts": `            CPU0       CPU1
   1:          0          9   IO-APIC   1-edge      i8042
  28:          0          0 PCI-MSIX-0000:00:01.0   0-edge      virtio0-config
  36:          1     372890 PCI-MSIX-0000:00:02.0   1-edge      virtio1-req.0
 NMI:          0          0   Non-maskable interrupts
 LOC:     746104     697761   Local timer interrupts
 ERR:          3
`,
    });
    const readings = await sample(interrupts(proc));
    assert.equal(
      readings.map(({ tags, fields }) => [tags["irq"], tags["type"], tags["device"], fields["total"]]),
      [
        ["1", "IO-APIC", "1-edge i8042", 9],
        ["36", "PCI-MSIX-0000:00:02.0", "1-edge virtio1-req.0", 372_891],
        ["LOC", "Local timer interrupts", undefined, 1_443_865],
        ["ERR", "", undefined, 3],
      ],
    );
  });

  test("interrupts: of thousands, those that came most often", async (scope) => {
    const line = (irq: number): string => `${irq}: ${irq} 0 PCI-MSI queue\n`;
    const of = async (count: number): Promise<readonly Reading[]> => {
      const lines = Array.from({ length: count }, (_, at) => line(at + 1)).join("");
      const { proc } = await record(scope, { "/proc/interrupts": `  CPU0 CPU1\n${lines}` });
      return sample(interrupts(proc));
    };
    assert.is((await of(maxInterrupts)).length, maxInterrupts);
    const some = await of(maxInterrupts + 5);
    assert.is(some.length, maxInterrupts);
    assert.is(Math.min(...some.map(({ fields }) => Number(fields["total"]))), 6);
  });

  test("internal: what collectors took and gave, and where the readings are", async () => {
    const clock = new ManualClock();
    const slow: Collector = {
      name: "slow",
      sample() {
        clock.advance(2);
        return [
          { measurement: "a", tags: {}, fields: { v: 1 } },
          { measurement: "b", tags: {}, fields: { v: 1 } },
        ];
      },
    };
    const failing: Collector = {
      name: "failing",
      sample() {
        throw new Error("no");
      },
    };
    const gathering = new Gathering();
    const wrote = { bytes: 3_000, syncs: 2 };
    const own = internal(gathering, () => ({ waiting: 3, dropped: 1, time: 1.5, written: 4_096, wrote }));
    for (let n = 0; n < 2; n += 1) await sampleAll([slow, failing], clock, gathering);
    const [agent, write, ...gathered] = await sample(own, clock);
    const counts = { gather_errors: 2, metrics_gathered: 4, metrics_written: 4, metrics_dropped: 1 };
    const files = { file_bytes: 3_000, file_syncs: 2 };
    assert.equal(agent?.fields, { ...counts, write_bytes: 4_096, ...files });
    const [elsewhere] = await sample(
      internal(gathering, () => ({ waiting: 3, dropped: 1, time: 1.5, written: undefined, wrote })),
      clock,
    );
    assert.equal(elsewhere?.fields, { ...counts, ...files }, "where the system does not tell");
    assert.equal(
      [write?.tags, write?.fields],
      [{ output: "muster" }, { buffer_size: 3, metrics_dropped: 1, write_time_ns: 1_500_000 }],
    );
    assert.equal(fieldsBy(gathered, "input"), { slow: { gather_time_ns: 2_000_000, metrics_gathered: 4 } });
    assert.is((await sample(own, clock)).length, 2, "nobody was asked since");
  });

  test("what is costly is asked rarely: within its budget, once a minute or in five at least, and no oftener than it should", async () => {
    const rhythm = async (cost: number, interval: number, samples: number, pause = 0): Promise<string> => {
      const clock = new ManualClock();
      const collector = rarely(
        {
          name: "costly",
          sample() {
            clock.advance(cost);
            return [{ measurement: "m", tags: {}, fields: { v: 1 } }];
          },
        },
        pause,
      );
      let all = "";
      for (let n = 0; n < samples; n += 1) {
        all += (await sample(collector, clock)).length > 0 ? "x" : "-";
        clock.advance(interval);
      }
      return all;
    };
    assert.is(await rhythm(0.05, 10_000, 5), "xxxxx");
    assert.is(await rhythm(0.125, 1_000, 7), "x--x--x");
    assert.is(await rhythm(1, 10_000, 13), "x-----x-----x");
    // What takes more than three milliseconds takes a twenty thousandth of a core, as long as that is no more than five minutes.
    assert.is(await rhythm(6, 10_000, 25), "x-----------x-----------x");
    assert.is(await rhythm(1_000, (maxLongPause + 5_000) / 6, 13), "x-----x-----x");
    assert.is(await rhythm(1_000, 300_000, 3), "xxx");
    assert.is(await rhythm(0, 10_000, 13, maxPause), "x-----x-----x");
  });
});
