import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import type { Collector } from "./collector.ts";
import { record, sample } from "./fixture.ts";
import { netstat } from "./netstat.ts";

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

  test("this machine's connections are counted as they are", async (scope) => {
    // The machine's own tables; whatever else runs on it, few enough sockets for them to be read.
    const { proc } = await record(scope, {
      "/proc/net/sockstat": sockstat(6),
      "/proc/net/tcp": "-> /proc/net/tcp",
      "/proc/net/tcp6": "-> /proc/net/tcp6",
    });
    const states = netstat(proc);
    // Others' connections on this machine come and go while it is measured.
    const before = await fieldsOf(netstat(proc));
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const sockets: Socket[] = [];
    scope.cleanup(() => server.close());
    scope.cleanup(() => sockets.forEach((socket) => socket.destroy()));
    server.on("connection", (socket: Socket) => void sockets.push(socket));
    for (let n = 0; n < 40; n += 1) {
      const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
      sockets.push(socket);
      await once(socket, "connect");
    }
    const now = await fieldsOf(states);
    assert.ok(
      Number(now["tcp_established"]) >= Number(before["tcp_established"]) + 60,
      JSON.stringify({ before, now }),
    );
    assert.ok(Number(now["tcp_listen"]) >= 1);
  });

  test("with many sockets only the sums are told, which cost nothing", async (scope) => {
    const { proc, write } = await record(scope, { ...files, "/proc/net/sockstat": sockstat(900, 99) });
    const collector = netstat(proc);
    assert.equal(await fieldsOf(collector), { tcp_time_wait: 99, udp_socket: 4 });
    await write({ "/proc/net/sockstat": sockstat(6) });
    assert.equal(await fieldsOf(collector), everything);
  });

  test("where reading the states is slow they come more rarely: 0.05 ms a sample, and every 160th at least", async (scope) => {
    const { proc } = await record(scope, files);
    const clock = new SlowClock();
    const rhythm = async (samples: number): Promise<string> => {
      const collector = netstat(proc);
      const all: string[] = [];
      for (let n = 0; n < samples; n += 1)
        all.push("tcp_listen" in (await fieldsOf(collector, clock)) ? "full" : "sums");
      return all.join(" ");
    };
    clock.step = 0.04;
    assert.is(await rhythm(3), "full full full");
    clock.step = 0.125;
    assert.is(await rhythm(7), "full sums sums full sums sums full");
    clock.step = 6_000;
    assert.is(await rhythm(161), `full ${"sums ".repeat(159)}full`);
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
