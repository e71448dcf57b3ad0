import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { createSocket } from "node:dgram";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { collectors } from "./all.ts";
import { record } from "./fixture.ts";
import { ProcReader } from "./proc.ts";
import { sampleAll } from "./sample.ts";

/** What the collectors read again and again, and what a sample must find changed. */
const files = ["stat", "meminfo", "loadavg", "uptime", "net/dev", "net/snmp", "diskstats", "vmstat", "net/sockstat"];
const changing = new Set(["stat", "uptime", "loadavg", "net/dev", "net/snmp", "vmstat"]);

const shape = (text: string): string => text.replace(/[\d.]+/g, "0").replace(/ +/g, " ");

/** Something that each of the `changing` files tells of: a process, a datagram, memory and time. */
async function live(): Promise<void> {
  const socket = createSocket("udp4").bind(0, "127.0.0.1");
  await once(socket, "listening");
  socket.send("x", socket.address().port, "127.0.0.1");
  await once(socket, "message");
  socket.close();
  await once(spawn("true", { stdio: "ignore" }), "exit");
  for (const end = performance.now() + 60; performance.now() < end;) Buffer.alloc(100_000, 1);
}

/** The files under a path that this process has open. */
function openUnder(paths: RegExp): string[] {
  return readdirSync("/proc/self/fd").flatMap((file) => {
    try {
      // The kernel forgets the names below /proc/net at once; what is open there lives on.
      const path = readlinkSync(`/proc/self/fd/${file}`).replace(" (deleted)", "");
      return paths.test(path) ? [path] : [];
    } catch {
      return [];
    }
  });
}

suite("proc", ({ test }) => {
  test("a file that stays open is as new at each pass as one that is opened, and the same within a pass", async () => {
    const proc = new ProcReader();
    const before = openUnder(/^\/proc\/uptime$/).length;
    const read = (): string[] => files.map((file) => proc.again(`/proc/${file}`));
    const first = read();
    assert.equal(read(), first, "one pass, one text");
    await live();
    const second = read();
    for (const [at, file] of files.entries()) {
      assert.is(shape(second[at] ?? ""), shape(readFileSync(`/proc/${file}`, "utf8")), file);
      if (changing.has(file)) assert.is.not(second[at], first[at], file);
    }
    assert.is(openUnder(/^\/proc\/uptime$/).length, before + 1);
    proc.stop();
    assert.is(openUnder(/^\/proc\/uptime$/).length, before);
    assert.ok(proc.again("/proc/uptime"));
    proc.stop();
  });

  test("files that the kernel gives in pieces, and files larger than the buffer, are read to their end", async (scope) => {
    const kernel = new ProcReader();
    const maps = kernel.again("/proc/self/maps");
    kernel.stop();
    assert.ok(maps.length > 8_192 && maps.includes("[stack]") && maps.endsWith("\n"));
    const { proc, write } = await record(scope, { "/proc/long": "ä".repeat(30_000) });
    assert.is(proc.again("/proc/long"), "ä".repeat(30_000));
    await write({ "/proc/long": "short" });
    assert.is(proc.again("/proc/long"), "short");
    proc.stop();
  });

  test("what a file told of has ended: it is missing then, and closed", async () => {
    const proc = new ProcReader();
    const child = spawn("sleep", ["100"], { stdio: "ignore" });
    await once(child, "spawn");
    const path = `/proc/${child.pid}/stat`;
    assert.match(proc.again(path), "sleep");
    child.kill("SIGKILL");
    await once(child, "exit");
    assert.is(proc.findAgain(path), undefined);
    assert.throws(() => proc.again(path), /ENOENT.*stat/);
    assert.is(openUnder(new RegExp(`/${child.pid}/stat`)).length, 0);
  });

  test("no more than 64 files stay open", async (scope) => {
    const names = Array.from({ length: 100 }, (_, at) => `/sys/class/net/veth${at}/flags`);
    const { proc } = await record(scope, Object.fromEntries(names.map((name) => [name, `text of ${name}`])));
    for (let pass = 0; pass < 2; pass += 1) {
      for (const name of names) assert.is(proc.again(name), `text of ${name}`);
      await Promise.resolve();
    }
    assert.is(openUnder(/veth\d+.flags$/).length, 64);
    proc.stop();
    assert.is(openUnder(/veth\d+.flags$/).length, 0);
  });

  test("collectors that are stopped leave nothing open", async () => {
    const before = openUnder(/^\/(proc|sys)\//);
    const all = collectors();
    await sampleAll(all);
    assert.ok(openUnder(/^\/(proc|sys)\//).length > before.length + 10);
    for (const collector of all) collector.stop?.();
    assert.equal(openUnder(/^\/(proc|sys)\//), before);
  });
});
