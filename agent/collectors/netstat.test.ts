import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Collector } from "./collector.ts";
import { record, sample } from "./fixture.ts";
import { netstat, sliceBytes, v4, v6 } from "./netstat.ts";
import { states, TcpWalk } from "./tcp-walk.ts";

const header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const rest = "00000000:00000000 00:00000000 00000000     0        0 109 1 00000000c9f4b78a 100 0 0 10 0\n";
const line = (index: string, state: string, address = "0100007F"): string =>
  `${index}: ${address}:07E8 ${address}:0000 ${state} ${rest}`;
const six = "0".repeat(31) + "1";
const sockstat = (inuse: number, tw = 2): string =>
  `sockets: used 91\nTCP: inuse ${inuse} orphan 1 tw ${tw} alloc 9 mem 3\nUDP: inuse 3 mem 1\nUDPLITE: inuse 8\n`;
const files = {
  "/proc/net/sockstat": sockstat(6),
  "/proc/net/sockstat6": "TCP6: inuse 2\nUDP6: inuse 1\nUDPLITE6: inuse 8\n",
  "/proc/net/tcp":
    header +
    line("   0", "0A") +
    ["01", "01", "02", "03", "04", "05", "06", "07", "08", "09", "0B", "0C"].map((st) => line("   1", st)).join("") +
    // The kernel widens the number beyond four digits.
    line("10000", "01"),
  "/proc/net/tcp6": header + line("   0", "0A", six) + line("   1", "01", six) + line("   2", "06", six),
};
const everything = {
  tcp_none: 1,
  tcp_established: 4,
  tcp_syn_sent: 1,
  tcp_syn_recv: 1,
  tcp_fin_wait1: 1,
  tcp_fin_wait2: 1,
  tcp_time_wait: 2,
  tcp_close: 1,
  tcp_close_wait: 1,
  tcp_last_ack: 1,
  tcp_listen: 2,
  tcp_closing: 1,
  udp_socket: 4,
};

/** A clock on which each look at it takes so many milliseconds. */
class SlowClock extends ManualClock {
  step = 0;

  override monotonic(): number {
    this.advance(this.step);
    return super.monotonic();
  }
}

async function fieldsOf(collector: Collector, clock = new ManualClock()): Promise<Record<string, unknown>> {
  const [reading, ...others] = await sample(collector, clock);
  assert.equal(others, []);
  return { ...reading?.fields };
}

suite("netstat", ({ test }) => {
  test("connections of both families by state, and UDP sockets", async (scope) => {
    const { proc } = await record(scope, files);
    assert.equal(await fieldsOf(netstat(proc)), everything);
  });

  test("this machine's tables are counted as they are", async (scope) => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const sockets: Socket[] = [];
    scope.cleanup(() => server.close());
    scope.cleanup(() => sockets.forEach((socket) => socket.destroy()));
    for (let n = 0; n < 40; n += 1) {
      const socket = connect(port, "127.0.0.1");
      sockets.push(socket);
      await once(socket, "connect");
    }
    // A picture of them, so that nothing else on this machine changes what is counted.
    const tables = await Promise.all(
      ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
    );
    const lines = tables.flatMap((table) => table.split("\n").slice(1)).map((text) => text.trim().split(/ +/));
    const ends = new Set(sockets.map(({ localPort }) => localPort));
    const own = lines.filter(([, local = "", remote = "", state]) => {
      const [from = 0, to = 0] = [local, remote].map((address) => Number.parseInt(address.split(":")[1] ?? "", 16));
      return state === "01" && ((from === port && ends.has(to)) || (to === port && ends.has(from)));
    });
    assert.is(own.length, 80, "both ends of forty connections");
    const { proc } = await record(scope, {
      ...files,
      "/proc/net/tcp": tables[0] ?? "",
      "/proc/net/tcp6": tables[1] ?? "",
    });
    const walk = new TcpWalk(proc, [v4, v6]);
    const counts = walk.step(Number.POSITIVE_INFINITY) ?? {};
    for (const [at, state] of states.entries()) {
      if (at === 0) continue;
      const code = at.toString(16).toUpperCase().padStart(2, "0");
      assert.is(counts[state], lines.filter((words) => words[3] === code).length, state);
    }
  });

  test("many sockets are counted in parts, each once, and within a minute", async (scope) => {
    const sockets = 20_000;
    const table =
      header + Array.from({ length: sockets }, (_, at) => line(String(at), at % 4 === 0 ? "01" : "06")).join("");
    const { proc } = await record(scope, { "/proc/net/sockstat": sockstat(sockets), "/proc/net/tcp": table });
    const collector = netstat(proc);
    const clock = new ManualClock();
    const told: [at: number, established: unknown, waiting: unknown][] = [];
    for (let beat = 0; beat <= 18; beat += 1) {
      const fields = await fieldsOf(collector, clock);
      if ("tcp_listen" in fields) told.push([clock.monotonic(), fields["tcp_established"], fields["tcp_time_wait"]]);
      clock.advance(10_000);
    }
    for (const [, ...counts] of told) assert.equal(counts, [sockets / 4, (sockets * 3) / 4]);
    const times = told.map(([at]) => at);
    assert.ok(times.length >= 3, times.join(" "));
    for (const [at, time] of times.entries()) assert.ok(time - (times[at - 1] ?? 0) <= 60_000, times.join(" "));
    collector.stop?.();
  });

  test("one sample reads no more than its part", async (scope) => {
    const table = header + line("0", "01").repeat(sliceBytes / 100);
    const { proc } = await record(scope, { "/proc/net/tcp": table });
    const walk = new TcpWalk(proc, [v4]);
    assert.is(walk.step(sliceBytes), undefined);
    assert.ok(walk.step(sliceBytes));
    const whole = new TcpWalk(proc, [v4]);
    assert.ok(whole.step(2 * sliceBytes));
    const stopped = new TcpWalk(proc, [v4]);
    stopped.step(1);
    stopped.stop();
  });

  test("where reading the states is slow they come more rarely: 0.05 ms a sample, and once a minute at least, or in more where they take more than 3 ms", async (scope) => {
    const { proc } = await record(scope, files);
    const rhythm = async (step: number, samples: number, interval = 0): Promise<string> => {
      const clock = new SlowClock();
      const collector = netstat(proc);
      const all: string[] = [];
      for (let n = 0; n < samples; n += 1) {
        clock.step = step;
        all.push("tcp_listen" in (await fieldsOf(collector, clock)) ? "full" : "sums");
        clock.step = 0;
        clock.advance(interval);
      }
      return all.join(" ");
    };
    assert.is(await rhythm(0.04, 3), "full full full");
    assert.is(await rhythm(0.125, 7), "full sums sums full sums sums full");
    assert.is(await rhythm(2, 13, 10_000), `full ${"sums ".repeat(5)}full ${"sums ".repeat(5)}full`);
    assert.is(await rhythm(6, 25, 10_000), `full ${"sums ".repeat(11)}full ${"sums ".repeat(11)}full`);
    assert.is(await rhythm(6, 3, 120_000), "full full full");
  });

  test("without IPv6, and without either", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/net/sockstat": files["/proc/net/sockstat"],
      "/proc/net/tcp": files["/proc/net/tcp"],
    });
    const { tcp_listen, udp_socket } = await fieldsOf(netstat(proc));
    assert.equal([tcp_listen, udp_socket], [1, 3]);
    assert.equal(await sample(netstat((await record(scope, {})).proc)), []);
  });
});
