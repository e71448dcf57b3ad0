import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { record, sample } from "./fixture.ts";
import { net } from "./net.ts";

const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:    3193      29    0    0    0     0          0         0     3193      29    0    0    0     0       0          0
  eth0: 394923146   10708    1    2    0     0          0         7   759592    6368    3    4    0     0       0          0
 wlan0:5       6    0    0    0     0          0         0        7       8    0    0    0     0       0          0
 down0:       1       1    0    0    0     0          0         0        1       1    0    0    0     0       0          0
`;
const snmp = `Ip: Forwarding DefaultTTL
Ip: 2 64
Tcp: RtoAlgorithm MaxConn ActiveOpens CurrEstab RetransSegs
Tcp: 1 -1 114 12 9
Udp: InDatagrams NoPorts InErrors
Udp: 173 5 6
UdpLite: InDatagrams NoPorts
UdpLite: 1 1
`;

suite("net", ({ test }) => {
  test("interfaces that are up and no loopback, then TCP and UDP as a whole", async (scope) => {
    const { proc } = await record(scope, {
      "/proc/net/dev": dev,
      "/proc/net/snmp": snmp,
      "/sys/class/net/lo/flags": "0x9\n",
      "/sys/class/net/eth0/flags": "0x1003\n",
      "/sys/class/net/eth0/speed": "1000\n",
      "/sys/class/net/wlan0/flags": "0x1003\n",
      "/sys/class/net/down0/flags": "0x1002\n",
    });
    const [eth0, wlan0, all, ...others] = await sample(net(proc));
    assert.equal(others, []);
    assert.equal(eth0, {
      measurement: "net",
      tags: { interface: "eth0" },
      fields: {
        bytes_recv: 394_923_146,
        packets_recv: 10_708,
        err_in: 1,
        drop_in: 2,
        bytes_sent: 759_592,
        packets_sent: 6_368,
        err_out: 3,
        drop_out: 4,
        speed: 1_000,
      },
    });
    assert.equal(wlan0?.tags, { interface: "wlan0" });
    assert.is(wlan0?.fields["bytes_recv"], 5, "no space behind the colon");
    assert.is(wlan0?.fields["speed"], -1);
    const tcp = { tcp_activeopens: 114, tcp_currestab: 12, tcp_retranssegs: 9 };
    const udp = { udp_indatagrams: 173, udp_noports: 5, udp_inerrors: 6 };
    assert.equal(all, { measurement: "net", tags: { interface: "all" }, fields: { ...tcp, ...udp } });
  });

  test("without /sys all but lo are taken", async (scope) => {
    const { proc } = await record(scope, { "/proc/net/dev": dev });
    const names = (await sample(net(proc))).map(({ tags }) => tags["interface"]);
    assert.equal(names, ["eth0", "wlan0", "down0", "all"]);
  });
});
