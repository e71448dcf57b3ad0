import { createSocket, type Socket as UdpSocket } from "node:dgram";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock as clock } from "#shared/clock";
import { silentLog as log } from "#shared/log";
import { Signal } from "#shared/signal";
import { parseSyslogUrl } from "#shared/syslog-address";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { hashOf, lineOf, type AuditEntry } from "./entry.ts";
import { entriesAfter } from "./search.ts";
import { maxSyslogBehind, Syslog } from "./syslog.ts";
import { syslogPlaceName } from "./syslog-place.ts";
import { syslogLine } from "./syslog-line.ts";

interface Listener {
  readonly port: number;
  readonly close: () => Promise<void>;
}
type Listen = (port: number, heard: (message: string) => void) => Promise<Listener>;

/** Takes the stream apart by the octets that stand before each message, and nothing else. */
const listenTcp: Listen = async (port, heard) => {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    let rest = Buffer.alloc(0);
    socket.on("error", () => {});
    socket.on("data", (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk]);
      for (;;) {
        const space = rest.indexOf(" ");
        const octets = Number(rest.subarray(0, Math.max(0, space)).toString());
        if (space < 1 || rest.length < space + 1 + octets) return;
        heard(rest.subarray(space + 1, space + 1 + octets).toString());
        rest = rest.subarray(space + 1 + octets);
      }
    });
  });
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const close = async (): Promise<void> => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  return { port: (server.address() as AddressInfo).port, close };
};

const listenUdp: Listen = async (port, heard) => {
  const socket: UdpSocket = createSocket("udp4");
  socket.on("message", (message) => heard(message.toString()));
  socket.bind(port, "127.0.0.1");
  await once(socket, "listening");
  let isOpen = true;
  const close = async (): Promise<void> => {
    if (isOpen) await new Promise<void>((resolve) => socket.close(resolve));
    isOpen = false;
  };
  return { port: socket.address().port, close };
};

async function house(scope: Scope, protocol: "tcp" | "udp") {
  const directory = await scope.directory();
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const { audit, database, accounts } = state;
  const elsewhere = new Signal<void>();
  const heard: AuditEntry[] = [];
  const listen = async (port = 0): Promise<Listener> => {
    const listener = await (protocol === "tcp" ? listenTcp : listenUdp)(port, (message) =>
      heard.push(entryIn(message)),
    );
    scope.cleanup(listener.close);
    return listener;
  };
  const begin = (port: number, most = maxSyslogBehind): Syslog => {
    const address = parseSyslogUrl(`${protocol}://127.0.0.1:${port}`);
    const synced = (): Promise<void> => accounts.synced();
    const syslog = new Syslog({ address, directory, database, audit, synced, elsewhere, clock, log, most });
    syslog.start();
    scope.cleanup(() => syslog.stop());
    return syslog;
  };
  const record = (on: string): number => audit.record({ who: "ada", from: "cli", what: "device.enrolled", on }).n;
  const numbers = (): number[] => [...new Set(heard.map(({ n }) => n))].sort((a, b) => a - b);
  const kept = (): unknown => {
    const path = join(directory, syslogPlaceName);
    return existsSync(path) && (JSON.parse(readFileSync(path, "utf8")) as { n: number }).n;
  };
  return { audit, database, kept, elsewhere, heard, listen, begin, record, numbers };
}

/** Without Muster's own reader: the seven fields of RFC 5424, then the message. */
function entryIn(message: string): AuditEntry {
  const [, priority, moment, what, text = ""] =
    /^<(\d+)>1 (\S+) \S+ muster \d+ (\S+) - (\{.*\})$/su.exec(message) ?? assert.unreachable(message) ?? [];
  const entry = JSON.parse(text) as Omit<AuditEntry, "detail"> & { detail: unknown };
  assert.equal(
    [priority, moment, what],
    [entry.result === "ok" ? "109" : "108", new Date(entry.ts).toISOString(), entry.what.slice(0, 32)],
  );
  return { ...entry, detail: JSON.stringify(entry.detail) };
}

suite("the audit log as syslog", ({ test }) => {
  for (const protocol of ["tcp", "udp"] as const) {
    test(`${protocol}: each entry comes, in order, as it is checked; what came while the target was away follows`, async (scope) => {
      const { audit, database, kept, elsewhere, heard, listen, begin, record, numbers } = await house(scope, protocol);
      record("before");
      const target = await listen();
      const first = begin(target.port);
      await eventually("the way there", () => first.state.ok);
      record("größe 🚀\n<1>1 forged");
      record("b");
      await eventually("both", () => numbers().length === 2);
      assert.equal(numbers(), [2, 3], "what was there before is not sent");
      assert.equal(
        heard.map((one) => [hashOf(one), lineOf(one)]),
        [...entriesAfter(database, 1)].map((one) => [one?.hash, one && lineOf(one)]),
      );
      // What is out for a while without an error counts as there.
      await eventually("what is kept of that", () => kept() === 3);

      await target.close();
      for (let n = 4; n <= 150; n += 1) record(`away ${n}`);
      await eventually("the loss", () => !first.state.ok && first.state.problem !== undefined);
      assert.is(first.state.behind > 100, true);
      const again = await listen(target.port);
      await eventually("all that waited", () => numbers().length === 149);
      assert.equal([first.state.lost, audit.head()?.n], [0, 150]);
      await eventually("the rest", () => first.state.behind === 0);
      await first.stop();

      // A restart goes on where the one before has ended, and takes up what another process has written meanwhile.
      record("meanwhile");
      const count = heard.length;
      const second = begin(again.port);
      await eventually("what was written meanwhile", () => numbers().length === 150);
      assert.is(heard.length, count + 1);
      elsewhere.emit();
      await second.stop();
    });
  }

  test("more than its bound does not wait: the log and the state say what was not sent", async (scope) => {
    const { audit, heard, listen, begin, record, numbers } = await house(scope, "tcp");
    const target = await listen();
    await target.close();
    const most = 5;
    const syslog = begin(target.port, most);
    for (let n = 1; n <= most; n += 1) record("in time");
    assert.equal([syslog.state.behind, syslog.state.lost], [most, 0]);
    for (let n = 1; n <= 15; n += 1) record("too many");
    assert.equal([syslog.state.behind, syslog.state.lost, syslog.state.ok], [most, 15, false]);
    await listen(target.port);
    await eventually("the newest, and what was lost", () => heard.at(-1)?.what === "audit.syslog-lost");
    assert.equal(numbers(), [16, 17, 18, 19, 20, 21]);
    assert.equal(JSON.parse(heard.at(-1)?.detail ?? ""), { entries: 15, first: 1, last: 15 });
    assert.equal([syslog.state.lost, audit.head()?.n], [15, 21]);
    await eventually("nothing waits", () => syslog.state.behind === 0);
  });

  test("where it goes is a protocol, a host and a port", () => {
    assert.equal(parseSyslogUrl("udp://logs.lan"), {
      protocol: "udp",
      host: "logs.lan",
      port: 514,
      url: "udp://logs.lan",
    });
    assert.is(parseSyslogUrl("tcp://[::1]:601").host, "::1");
    for (const wrong of [
      "logs.lan:514",
      "tls://a:1",
      "tcp://",
      "udp://a:0",
      "udp://a:70000",
      "tcp://a:1/b",
      "tcp://u:p@a:1",
    ])
      assert.throws(() => parseSyslogUrl(wrong), /expected/, wrong);
    const entry = { n: 1, ts: 0, who: "", from: "", what: `a.${"b".repeat(40)}`, on: "", result: "", detail: "{}" };
    const line = syslogLine({ ...entry, prev: "", hash: "" }, "mö host", 7);
    assert.ok(line.startsWith(`<108>1 1970-01-01T00:00:00.000Z mhost muster 7 a.${"b".repeat(30)} - {`));
  });
});
