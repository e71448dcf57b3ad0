import { createSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, statfsSync } from "node:fs";
import { connect } from "node:net";
import { cpus } from "node:os";
import * as assert from "uvu/assert";
import { startFleet, type Fleet } from "./fleet.ts";
import { ask, column, derivative, interpolate, type Answered } from "./grafana.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { bytesWritten, kernelSays, processorTime, traffic, writeToDisk } from "./kernel.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

/**
 * What the public dashboards for Telegraf ask, of an InfluxDB that a real agent has filled; the answers are compared with what
 * this machine's kernel says at the same time, read here and not by the agent.
 */

function near(value: unknown, expected: number, tolerance: number, what: string): void {
  assert.ok(
    Math.abs(Number(value) - expected) <= tolerance,
    `${what}: ${String(value)}, and the kernel says ${expected}`,
  );
}

function between(value: unknown, low: number, high: number, what: string): void {
  assert.ok(Number(value) >= low && Number(value) <= high, `${what}: ${String(value)} is not in ${low}…${high}`);
}

suite("Telegraf's dashboards", ({ test, before }) => {
  let influx: InfluxServer;
  let fleet: Fleet;
  const from = Date.now();
  const start = {
    processor: processorTime(),
    written: new Map<string, number>(),
    traffic: new Map<string, readonly number[]>(),
  };

  /** A dashboard's query, for rpi-7 and the time since the agent began. */
  const q = async (query: string): Promise<readonly Answered[]> =>
    ask(influx, interpolate(query, { from, to: Date.now(), interval: "1s", variables: { server: "rpi-7" } }));
  const tagValues = async (measurement: string, key: string): Promise<string[]> =>
    column(await q(`SHOW TAG VALUES FROM ${measurement} WITH KEY = ${key} WHERE host =~ /$server/`), "value").map(
      String,
    );

  before(async (scope) => {
    influx = await startInflux(scope);
    fleet = await startFleet(scope, "embedded", { influxUrl: `${influx.url}/muster` });
    for (const name of readdirSync("/sys/block")) start.written.set(name, bytesWritten(name));
    for (const name of readdirSync("/sys/class/net")) start.traffic.set(name, traffic(name));
    start.processor = processorTime();
    // What the agent must find, whatever else this machine does: a connection with both its ends, and a datagram's socket.
    const [held, datagrams] = [connect(influx.port, "127.0.0.1"), createSocket("udp4").bind(0, "127.0.0.1")];
    scope.cleanup(() => held.destroy());
    scope.cleanup(() => datagrams.close());
    await Promise.all([once(held, "connect"), once(datagrams, "listening")]);
    await fleet.agent("rpi-7", { interval: 250 });
    await eventually("four seconds of samples", async () => {
      await writeToDisk(scope);
      const [series] = await q(`SELECT count("load1") FROM "system" WHERE $timeFilter GROUP BY time(1s) fill(none)`);
      return (series?.values.length ?? 0) > 4;
    });
  });

  test("variables: hosts, processors, mounts, disks and interfaces", async () => {
    assert.equal(column(await q(`SHOW TAG VALUES FROM "system" WITH KEY = "host"`), "value"), ["rpi-7"]);
    const processors = cpus().map((_, at) => `cpu${at}`);
    assert.equal((await tagValues("cpu", "cpu")).toSorted(), [...processors, "cpu-total"].toSorted());
    for (const path of await tagValues("disk", '"path"')) assert.ok(statfsSync(path).blocks > 0, path);
    for (const name of await tagValues("diskio", '"name"')) assert.ok(bytesWritten(name) >= 0, name);
    const interfaces = await tagValues("net", "interface");
    assert.ok(interfaces.includes("all") && !interfaces.includes("lo"), interfaces.join(" "));
  });

  test("cpu: the shares make 100, and the busy one is the kernel's", async () => {
    const shares = ["user", "system", "idle", "nice", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];
    const means = shares.map((name) => `mean("usage_${name}") AS "${name}"`).join(", ");
    const [series, ...others] = await q(
      `SELECT ${means} FROM "cpu" WHERE "host" =~ /^$server$/ AND cpu = 'cpu-total' AND $timeFilter GROUP BY time($__interval), * fill(none)`,
    );
    assert.equal([series?.tags, others], [{ cpu: "cpu-total", host: "rpi-7" }, []]);
    for (const row of series?.values ?? [])
      near(
        row.slice(1).reduce<number>((sum, one) => sum + Number(one), 0),
        100,
        0.1,
        "sum",
      );
    const busy = `SELECT mean("usage_idle") * -1 + 100 - mean("usage_iowait") AS "busy" FROM "cpu" WHERE "host" =~ /$server$/ AND "cpu" = 'cpu-total' AND $timeFilter`;
    const now = processorTime();
    const share = (100 * (now.busy - start.processor.busy)) / (now.all - start.processor.all);
    near(column(await q(busy), "busy")[0], share, 15, "busy");
  });

  test("mem and swap: bytes and percent", async () => {
    const [mem] = await q(
      `SELECT mean(total) AS total, mean(used) AS used, mean(cached) AS cached, mean(free) AS free, mean(buffered) AS buffered, mean(available) AS available FROM "mem" WHERE host =~ /$server$/ AND $timeFilter GROUP BY time($__interval), * ORDER BY time ASC`,
    );
    const total = kernelSays("/proc/meminfo", "MemTotal") * 1_024;
    for (const value of column([mem!], "total")) assert.is(value, total);
    near(
      column([mem!], "available").at(-1),
      kernelSays("/proc/meminfo", "MemAvailable") * 1_024,
      total / 10,
      "available",
    );
    const [used] = column(
      await q(`SELECT last(used) / last(total) * 100 - last(used_percent) AS "off" FROM mem WHERE host =~ /$server$/`),
      "off",
    );
    near(used, 0, 0.001, "used_percent");
    const swap = column(
      await q(`SELECT last(total) AS "total" FROM "swap" WHERE "host" =~ /^$server$/ AND $timeFilter`),
      "total",
    );
    assert.equal(swap, [kernelSays("/proc/meminfo", "SwapTotal") * 1_024]);
  });

  test("system: load, uptime as number and text, processors", async () => {
    const last = async (field: string): Promise<unknown> =>
      column(
        await q(`SELECT last("${field}") AS "value" FROM "system" WHERE "host" =~ /$server$/ AND $timeFilter`),
        "value",
      )[0];
    const [load = 0] = readFileSync("/proc/loadavg", "utf8").split(" ").map(Number);
    near(await last("load1"), load, 2, "load1");
    near(await last("uptime"), Number(readFileSync("/proc/uptime", "utf8").split(" ")[0]), 3, "uptime");
    assert.is(await last("n_cpus"), cpus().length);
    assert.match(String(await last("uptime_format")), /^( *\d+ days?, )?[ \d]?\d:\d\d$/);
  });

  test("disk: total and used as statfs and df have them", async () => {
    for (const path of await tagValues("disk", '"path"')) {
      const [series] = await q(
        `SELECT last("total") AS "total", last("used_percent") AS "used" FROM "disk" WHERE "host" =~ /^$server$/ AND "path" = '${path}' AND $timeFilter GROUP BY "path"`,
      );
      const { bsize, blocks, bfree, bavail } = statfsSync(path);
      assert.equal(column([series!], "total"), [bsize * blocks]);
      near(column([series!], "used")[0], (100 * (blocks - bfree)) / (blocks - bfree + bavail), 1, path);
    }
  });

  for (const [measurement, field, tag] of [
    ["net", "bytes_recv", "interface"],
    ["net", "bytes_sent", "interface"],
    ["diskio", "read_bytes", "name"],
    ["diskio", "write_bytes", "name"],
    ["net", "tcp_outsegs", "interface"],
    ["kernel", "context_switches", ""],
    ["kernel", "interrupts", ""],
  ] as const) {
    test(`${measurement}: the derivative of ${field} is the difference of its raw points, never negative`, async () => {
      // What is on its way to the store would be in the second answer and not in the first.
      const [system] = await q(`SELECT last("load1") FROM "system" WHERE host =~ /$server$/ AND $timeFilter`);
      const to = Number(system?.values[0]?.[0]) - 1_000;
      const where = `FROM "${measurement}" WHERE "host" =~ /^rpi-7$/ AND time >= ${from}ms AND time <= ${to}ms`;
      const by = tag ? `, "${tag}"` : "";
      const rates = await q(
        `SELECT non_negative_derivative(mean("${field}"), 1s) AS "rate" ${where} GROUP BY time(1s)${by} fill(none)`,
      );
      const raw = await q(`SELECT "${field}" ${where}${tag ? ` GROUP BY "${tag}"` : ""}`);
      assert.equal(
        rates.map(({ tags }) => tags),
        raw.map(({ tags }) => tags),
      );
      for (const [at, series] of rates.entries()) {
        const expected = derivative(raw[at]!, field);
        assert.ok(expected.length >= 3, `${expected.length} seconds`);
        for (const [row, [second, rate]] of expected.entries()) {
          assert.is(series.values[row]?.[0], second);
          near(series.values[row]?.[1], rate, 1e-6 * Math.max(1, rate), field);
          assert.ok(rate >= 0);
        }
      }
    });
  }

  test("counters are the kernel's own", async () => {
    const newest = async (from: string, field: string): Promise<number> =>
      Number(column(await q(`SELECT last("${field}") AS "value" FROM ${from} AND $timeFilter`), "value")[0]);
    for (const name of await tagValues("net", "interface")) {
      if (name === "all") continue;
      const received = await newest(`"net" WHERE "interface" = '${name}'`, "bytes_recv");
      between(received, start.traffic.get(name)?.[0] ?? Number.NaN, traffic(name)[0] ?? Number.NaN, name);
    }
    for (const name of await tagValues("diskio", '"name"')) {
      const written = await newest(`"diskio" WHERE "name" = '${name}'`, "write_bytes");
      between(written, start.written.get(name) ?? 0, bytesWritten(name), name);
    }
    assert.is(await newest(`"kernel" WHERE "host" = 'rpi-7'`, "boot_time"), kernelSays("/proc/stat", "btime"));
    const forks = kernelSays("/proc/stat", "processes");
    between(await newest(`"kernel" WHERE "host" = 'rpi-7'`, "processes_forked"), 1, forks, "forks");
  });

  test("processes: the states make the total, which is about what /proc lists", async () => {
    const states = ["running", "sleeping", "blocked", "unknown", "idle", "stopped", "zombies", "dead", "paging"];
    const [series] = await q(
      `SELECT total, ${states.join(", ")} FROM "processes" WHERE host =~ /$server$/ AND $timeFilter ORDER BY time DESC LIMIT 1`,
    );
    const [, total, ...counts] = series?.values[0] ?? [];
    assert.is(
      counts.reduce<number>((sum, count) => sum + Number(count ?? 0), 0),
      total,
    );
    const listed = readdirSync("/proc").filter((name) => /^\d+$/.test(name)).length;
    near(total, listed, listed * 0.2 + 10, "total");
  });

  test("netstat: states and sockets; temp: what the machine has", async () => {
    const [series] = await q(
      `SELECT mean(tcp_established) AS established, mean(tcp_listen) AS listen, mean(udp_socket) AS udp FROM "netstat" WHERE host =~ /$server$/ AND $timeFilter`,
    );
    const [, established, listen, udp] = series?.values[0] ?? [];
    // One connection is held with its two ends here; the broker and InfluxDB listen.
    assert.ok(Number(established) >= 2 && Number(listen) >= 2 && Number(udp) >= 1, JSON.stringify(series));
    const sent = fleet.console.registry.latest("rpi-7").filter(({ measurement }) => measurement === "temp");
    const temperatures = await q(
      `SELECT last("temp") AS "temp" FROM "temp" WHERE "host" =~ /^$server$/ GROUP BY "sensor"`,
    );
    assert.is(temperatures.length > 0, sent.length > 0);
    for (const value of column(temperatures, "temp")) between(value, -40, 130, "temp");
  });

  test("what the well-known system dashboard asks of nstat, interrupts, conntrack, sysctl and Telegraf itself is there", async () => {
    const asked: Record<string, string> = {
      nstat:
        "TcpExtTCPAbortOnClose TcpExtTCPAbortOnData TcpExtTCPAbortOnTimeout TcpExtTCPAbortFailed TcpExtTCPAbortOnLinger " +
        "TcpExtTCPAbortOnMemory TcpExtSyncookiesFailed TcpExtSyncookiesRecv TcpExtSyncookiesSent IcmpInEchos IcmpOutEchos " +
        "IcmpInEchoReps IcmpOutEchoReps IcmpInErrors IcmpOutErrors IcmpInCsumErrors IpInDiscards IpOutDiscards IpInHdrErrors " +
        "IpInAddrErrors IpOutNoRoutes IpInUnknownProtos Ip6InDiscards Ip6OutDiscards Ip6InHdrErrors Ip6InAddrErrors " +
        "Ip6OutNoRoutes Ip6InUnknownProtos UdpSndbufErrors UdpRcvbufErrors UdpInCsumErrors UdpInErrors UdpNoPorts",
      interrupts: "total",
      conntrack: "ip_conntrack_count ip_conntrack_max",
      linux_sysctl_fs: "file-nr file-max",
      internal_agent: "metrics_written gather_errors metrics_dropped",
      internal_gather: "gather_time_ns",
      internal_write: "buffer_size",
    };
    if (!existsSync("/proc/net/snmp6")) asked["nstat"] = asked["nstat"]!.replaceAll(/Ip6\w+ ?/g, "");
    if (!existsSync("/proc/sys/net/netfilter/nf_conntrack_count")) delete asked["conntrack"];
    const empty: string[] = [];
    for (const [measurement, fields] of Object.entries(asked))
      for (const field of fields.split(" ")) {
        const series = await q(
          `SELECT mean("${field}") AS "value" FROM "${measurement}" WHERE "host" =~ /$server$/ AND $timeFilter GROUP BY time($__interval), * fill(none)`,
        );
        if (series.length === 0) empty.push(`${measurement}.${field}`);
      }
    assert.equal(empty, []);
  });

  test("every number is a float, so that no two senders can disagree", async () => {
    for (const { name, values } of await q("SHOW FIELD KEYS")) {
      // The console's own marks of commands have text.
      if (name === "muster_command") continue;
      for (const [field, type] of values)
        assert.is(type, field === "uptime_format" ? "string" : "float", `${name}.${String(field)}`);
    }
  });

  test("a field named host from one device hides nobody from the queries", async () => {
    const publish = (measurement: string, json: string): Promise<unknown> =>
      runProgram("mosquitto_pub", [...fleet.login("rpi-8"), "-t", `muster/rpi-8/metrics/${measurement}`, "-m", json]);
    await publish("cpu", '{"host":"rpi-7","usage_idle":1}');
    await publish("room", '{"temperature":21}');
    await eventually("the sample behind it", async () => (await q(`SELECT temperature FROM room`)).length > 0);
    const idle = await q(
      `SELECT mean("usage_idle") AS "idle" FROM "cpu" WHERE "host" =~ /^$server$/ AND cpu = 'cpu-total' AND $timeFilter GROUP BY "host"`,
    );
    assert.equal(
      idle.map(({ tags }) => tags?.["host"]),
      ["rpi-7"],
    );
  });
});
