import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import { pieceEvery } from "#shared/small-writes";
import { farBroker, farNetwork, holeMtu } from "./far-network.ts";
import { Running } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

const port = 1_883;

suite("an agent in a network of another kind", ({ test }) => {
  test("large packets that vanish on the way: the connection is found dead, and the next one gets all of it through", async (scope) => {
    const network = farNetwork(scope);
    await farBroker(scope, network, network.there, port);
    const clock = new ManualClock();
    clock.advance(60_000);
    const heard: number[] = [];
    const login = { clientId: "rpi-7", username: "rpi-7", password: "x", version: 4 } as const;
    const link = new Link({ url: `mqtt://${network.there}:${port}`, ...login, log: silentLog, clock });
    scope.cleanup(() => link.stop());
    link.subscribe(["muster/rpi-7/ack"], ({ payload }) => void heard.push(payload.length));
    const sessions: string[] = [];
    link.onConnection((change) => {
      if (!change.up) return;
      sessions.push(change.session);
      // As an agent's birth, on each connect.
      link.publish("muster/rpi-7/ack", Buffer.alloc(6 * holeMtu)).catch(() => {});
    });
    link.start();
    await eventually("the connection", () => sessions.length === 1);
    await link.publish("muster/rpi-7/ack", Buffer.alloc(10), { qos: 0 });
    // Behind the large one in the stream: nothing comes through any more.
    for (let at = 0; at < 80; at += 1) clock.advance(500);
    assert.equal(heard, []);
    await eventually("another connection", () => {
      clock.advance(500);
      return sessions.length > 1;
    });
    await eventually("the large message", () => {
      clock.advance(pieceEvery);
      return heard.includes(6 * holeMtu);
    });
    assert.is(sessions.length, 2);
  });

  test("IPv6 alone, a root that nobody can write to, and a broker whose name leads elsewhere: it comes in, and again there", async (scope) => {
    const network = farNetwork(scope);
    network.ip("addr", "flush", "dev", "lo");
    for (const address of ["::1/128", "fd00::2/128"]) network.ip("addr", "add", address, "dev", "lo", "nodad");
    const first = await farBroker(scope, network, "::1", port);
    const directory = await scope.directory();
    const [hosts, data] = [join(directory, "hosts"), join(directory, "data")];
    writeFileSync(hosts, "::1 broker.example\n");
    mkdirSync(data);
    const settle = `set -e
mount --bind ${hosts} /etc/hosts
mount -t tmpfs tmpfs ${data}
mount -o remount,bind,ro /
! touch /muster-was-here ${directory}/x 2> /dev/null
exec "$@"`;
    const [program = "", ...args] = network.within;
    const url = `mqtt://rpi-7:x@broker.example:${port}`;
    const flags = ["--mqtt-url", url, "--data", join(data, "agent"), "--interval", "1s"];
    const command = [process.execPath, "dist/muster-agent.cjs", ...flags];
    const unshare = ["unshare", "--mount", "--propagation", "private", "sh", "-c", settle, "sh"];
    const agent = new Running(scope, program, [...args, ...unshare, ...command]);
    await agent.line(/agent rpi-7 reports to/);
    await first.line(/New client connected from ::1:\d+ as rpi-7/);
    await first.line(/Received PUBLISH from rpi-7 .*muster\/rpi-7\/metrics/);
    writeFileSync(hosts, "fd00::2 broker.example\n");
    const second = await farBroker(scope, network, "fd00::2", port);
    await first.kill("SIGKILL");
    await second.line(/New client connected from \S+ as rpi-7/);
    await second.line(/Received PUBLISH from rpi-7 .*muster\/rpi-7\/metrics/);
    assert.is(await agent.kill("SIGTERM"), 0);
    assert.not.ok(existsSync(join(data, "agent")), "it is on the partition for data");
    const said = agent.lines.filter((line) => /EROFS|"level":50/.test(line));
    assert.equal(said, []);
  });
});
