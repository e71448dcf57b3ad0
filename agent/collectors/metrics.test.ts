import { readFile } from "node:fs/promises";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { collectors, linux } from "./all.ts";
import { Gathering } from "./gathering.ts";
import { internal } from "./internal.ts";
import { portable } from "./portable.ts";
import { sampleAll } from "./sample.ts";
import { record } from "./fixture.ts";
import { suite } from "../../test/suite.ts";
import type { Collector, Reading } from "./collector.ts";

interface Documented {
  readonly type: string;
  readonly systems: string;
}

/** The tables of docs/metrics.md: `measurement.field` and what its row says. */
async function documentation(): Promise<Map<string, Documented>> {
  const page = await readFile(new URL("../../docs/metrics.md", import.meta.url), "utf8");
  const fields = new Map<string, Documented>();
  let measurement = "";
  for (const line of page.split("\n")) {
    measurement = /^## (\w+)$/.exec(line)?.[1] ?? measurement;
    const [, field = "", , type = "", , systems = ""] = line.split("|").map((cell) => cell.trim());
    if (!/^[A-Za-z0-9_-]+$/.test(field) || /^(Field|Setting|-+)$/.test(field)) continue;
    assert.not(fields.has(`${measurement}.${field}`), `${measurement}.${field} stands twice`);
    fields.set(`${measurement}.${field}`, { type, systems });
  }
  return fields;
}

/** The second of two samples: the first one has no differences yet. */
async function secondSample(
  all: readonly Collector[],
  between: () => unknown = busyLoop,
  clock: Clock = systemClock,
): Promise<readonly Reading[]> {
  await sampleAll(all, clock);
  await between();
  const { readings, problems } = await sampleAll(all, clock);
  for (const collector of all) collector.stop?.();
  assert.equal(problems, []);
  return readings;
}

/** Long enough for the kernel to count a few of its hundredths of a second. */
function busyLoop(): void {
  const end = performance.now() + 60;
  while (performance.now() < end);
}

function names(readings: readonly Reading[]): string[] {
  const all = readings.flatMap(({ measurement, fields }) =>
    Object.keys(fields).map((field) => `${measurement}.${field}`),
  );
  return [...new Set(all)].toSorted();
}

function matches(type: string | undefined, value: unknown): boolean {
  if (type === "string") return typeof value === "string";
  return type === "integer" ? Number.isSafeInteger(value) : type === "float" && Number.isFinite(value);
}

const login = Buffer.alloc(process.arch === "arm64" ? 400 : 384);
login.writeInt16LE(7, 0);
const protocol = (name: string, fields: string): string =>
  `${name}: ${fields}\n${name}: ${fields.replaceAll(/\w+/g, "1")}\n`;
const tcp =
  "ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors";
const udp = "InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors";
const ip = "InDiscards OutDiscards InHdrErrors InAddrErrors OutNoRoutes InUnknownProtos";
const icmp = "InEchos OutEchos InEchoReps OutEchoReps InErrors OutErrors InCsumErrors";
/** A machine that has everything that can be measured. */
const complete = {
  "/proc/stat": "cpu  1 1 1 1 1 1 1 1 1 1\nintr 1\nctxt 1\nbtime 1\nprocesses 1\n",
  "/proc/meminfo": "MemTotal: 2 kB\n",
  "/proc/vmstat": "nr 1\npswpin 1\npswpout 1\n",
  "/proc/self/mountinfo": "1 1 1:1 / / rw - ext4 /dev/sda rw\n",
  "/proc/diskstats": " 8 0 sda 1 1 1 1 1 1 1 1 1 1 1\n",
  "/proc/net/dev": "eth0: 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
  "/proc/net/snmp": protocol("Tcp", tcp) + protocol("Udp", udp) + protocol("Ip", ip) + protocol("Icmp", icmp),
  "/proc/net/sockstat": "TCP: inuse 1 orphan 1 tw 1 alloc 1 mem 1\nUDP: inuse 1 mem 1\n",
  "/proc/net/netstat": protocol(
    "TcpExt",
    "TCPAbortOnClose TCPAbortOnData TCPAbortOnTimeout TCPAbortFailed TCPAbortOnLinger TCPAbortOnMemory SyncookiesFailed " +
      "SyncookiesRecv SyncookiesSent ListenOverflows ListenDrops TW",
  ),
  "/proc/net/snmp6":
    "Ip6InReceives 1\n" +
    ["InDiscards", "OutDiscards", "InHdrErrors", "InAddrErrors", "OutNoRoutes", "InUnknownProtos"]
      .map((name) => `Ip6${name} \t1\n`)
      .join(""),
  "/proc/sys/net/netfilter/nf_conntrack_count": "1\n",
  "/proc/sys/net/netfilter/nf_conntrack_max": "2\n",
  "/proc/sys/fs/file-nr": "3040\t0\t9223372036854775807\n",
  "/proc/sys/fs/inode-state": "1\t2\t0\t0\t0\t0\t0\n",
  "/proc/sys/fs/dentry-state": "1\t2\t45\t0\t3\t0\n",
  "/proc/sys/fs/aio-nr": "0\n",
  "/proc/sys/fs/aio-max-nr": "65536\n",
  "/proc/interrupts": "           CPU0\n  1:          9   IO-APIC   1-edge      i8042\n",
  "/proc/loadavg": "1 1 1 1/1 1",
  "/proc/uptime": "1 1",
  "/proc/1/stat": "1 (parked) P 1 1 1 0 -1 1 2 3 4 5 6 7 8 20 0 0 1 0 0 0\n",
  "/proc/sys/kernel/random/entropy_avail": "1\n",
  "/sys/devices/system/cpu/online": "0\n",
  "/sys/class/thermal/thermal_zone0/temp": "1\n",
  "/var/run/utmp": login,
};
const grown = {
  "/proc/stat": complete["/proc/stat"].replace("cpu  1", "cpu  9"),
  "/proc/diskstats": " 8 0 sda 2 1 1 2 1 1 1 1 1 2 1\n",
};

suite("metrics", ({ test }) => {
  test("docs/metrics.md tells exactly the fields of a machine that has everything", async (scope) => {
    const { proc, write } = await record(scope, complete);
    // On a clock of its own: what is slow to read is read more rarely, and here all is wanted.
    const clock = new ManualClock();
    const change = async (): Promise<void> => {
      await write(grown);
      // A minute, after which everything is told again.
      clock.advance(60_000);
      gathering.answered("cpu", 1, 1);
    };
    const gathering = new Gathering();
    const own = internal(gathering, () => ({
      waiting: 1,
      dropped: 1,
      time: 1,
      written: 1,
      wrote: { bytes: 1, syncs: 1 },
    }));
    gathering.answered("cpu", 1, 1);
    const readings = await secondSample([...linux(proc), own], change, clock);
    assert.equal(names(readings), [...(await documentation()).keys()].toSorted());
  });

  for (const [kind, all] of [
    ["this machine's", collectors()],
    ["the portable", portable()],
  ] as const) {
    test(`${kind} fields are documented, for this kind of system, and of their type`, async () => {
      const documented = await documentation();
      for (const { measurement, fields } of await secondSample(all)) {
        for (const [field, value] of Object.entries(fields)) {
          const { type, systems } = documented.get(`${measurement}.${field}`) ?? {};
          assert.ok(matches(type, value), `${measurement}.${field} = ${String(value)}, documented as ${type}`);
          if (kind === "the portable") assert.is(systems, "all", `${measurement}.${field}`);
        }
      }
    });
  }

  test("the portable readings have the shape of Linux's own, and nearly their values", async () => {
    let ahead = 0;
    const skipping = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
    // After a minute all is due again that is read once in one.
    const own = await secondSample(collectors("linux"), () => (ahead = 60_000), skipping);
    const others = await secondSample(portable());
    assert.ok(names(others).length > 25, names(others).join(" "));
    for (const reading of others) {
      const peers = own.filter(({ measurement }) => measurement === reading.measurement);
      assert.ok(peers.length > 0, reading.measurement);
      assert.equal(Object.keys(reading.tags), Object.keys(peers[0]?.tags ?? {}), reading.measurement);
    }
    const value = (readings: readonly Reading[], measurement: string, field: string): number =>
      Number(readings.find((reading) => reading.measurement === measurement && field in reading.fields)?.fields[field]);
    for (const [measurement, field] of [
      ["mem", "total"],
      ["mem", "available"],
      ["disk", "total"],
      ["system", "n_cpus"],
    ] as const) {
      const [one, other] = [value(own, measurement, field), value(others, measurement, field)];
      assert.ok(Math.abs(one - other) <= one * 0.05, `${measurement}.${field}: ${one} and ${other}`);
    }
  });
});
