import { once } from "node:events";
import { lstatSync, readFileSync, statSync } from "node:fs";
import { mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { SafetyNet } from "#shared/safety-net";
import { Journal } from "../commands/exec/fixture.ts";
import { runProgram } from "../../test/programs.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import type { Columns } from "../metrics/to-columns.ts";
import { rowsOf } from "./fixture.ts";
import { Intake } from "./intake.ts";
import { MetricsSocket } from "./socket.ts";

interface Opened {
  readonly path: string;
  readonly socket: MetricsSocket;
  readonly intake: Intake;
  readonly log: Journal;
  readonly batches: Columns[];
}

async function open(scope: Scope, clock: Clock = systemClock, path?: string): Promise<Opened> {
  const where = path ?? join(await scope.directory(), "metrics.sock");
  const batches: Columns[] = [];
  const log = new Journal();
  const intake = new Intake({ clock, emit: (columns) => void batches.push(columns) });
  const socket = new MetricsSocket({ path: where, intake, clock, log, net: new SafetyNet(log, clock) });
  scope.cleanup(async () => {
    await socket.stop();
    intake.stop();
  });
  socket.start();
  return { path: where, socket, intake, log, batches };
}

async function client(scope: Scope, path: string): Promise<Socket> {
  const socket = connect({ path, allowHalfOpen: true });
  scope.cleanup(() => socket.destroy());
  await once(socket, "connect");
  return socket;
}

/** All that is answered until the other end closes. */
async function answers(socket: Socket): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of createInterface({ input: socket })) lines.push(line);
  return lines;
}

suite("the metrics socket", ({ test }) => {
  test("takes JSON lines and line protocol from one connection, the last line without its newline too", async (scope) => {
    const { path, intake, batches } = await open(scope);
    const program = await client(scope, path);
    program.write('{"measurement":"room","values":{"temperature":21.5}}\nroom,floor=2 temper');
    program.write("ature=20 1767225600000000000\n\n# a comment\r\n");
    program.end("door open=true");
    assert.equal(await answers(program), []);
    assert.is(intake.taken, 3);
    intake.stop();
    const told = rowsOf(batches).map(({ measurement, tags, value }) => [measurement, tags["floor"], value]);
    assert.equal(told, [
      ["room", "2", 20],
      ["room", undefined, 21.5],
      ["door", undefined, true],
    ]);
    assert.is(rowsOf(batches)[0]?.at, 1_767_225_600_000);
  });

  test("a bad line is answered with what was expected and harms no other", async (scope) => {
    const { path, socket, intake, log } = await open(scope);
    const program = await client(scope, path);
    program.end('room temperature=1\nroom temperature=warm\n{"measurement":"room"}\nroom temperature=2\n');
    const [first = "", second = "", ...more] = await answers(program);
    assert.match(first, /^error in line 2: "warm" is no field value: expected a number/);
    assert.match(second, /^error in line 3: sample is not valid: values/);
    assert.equal(more, []);
    assert.equal([intake.taken, socket.refused, log.sentences.length], [2, 2, 1]);
  });

  test("a line without an end is refused once, however long it grows, and the next line is taken", async (scope) => {
    const { path, socket, intake } = await open(scope);
    const program = await client(scope, path);
    const told = once(program, "data");
    program.write("x".repeat(300_000));
    assert.match(String(await told), /^error in line 1: expected at most 32768 characters/);
    program.write("x".repeat(300_000));
    program.end("\nroom temperature=1\n");
    await once(program.resume(), "end");
    assert.equal([intake.taken, socket.refused], [1, 1]);
  });

  test("samples go on within a second, and a program that sends more than there is room for waits", async (scope) => {
    const clock = new ManualClock();
    const { path, intake, batches } = await open(scope, clock);
    const program = await client(scope, path);
    const total = 25_000;
    const ended = once(program.resume(), "end");
    program.end(Array.from({ length: total }, (_, index) => `flood,n=${index % 10} value=${index}`).join("\n"));
    for (const taken of [10_000, 20_000, total]) {
      await eventually(`${taken} samples`, () => intake.taken >= taken);
      assert.is(intake.taken, taken);
      clock.advance(1_000);
    }
    await ended;
    // Those of one series in one millisecond overwrite each other, as they would in the store.
    assert.is(rowsOf(batches).at(-1)?.value, total - 1);
  });

  test("the half of a line that a stop cuts off is not taken for a whole one", async (scope) => {
    const { path, socket, intake } = await open(scope);
    const program = await client(scope, path);
    program.write("room temperature=1\nroom temperature=2");
    await eventually("the first line", () => intake.taken === 1);
    await socket.stop();
    assert.is(intake.taken, 1);
  });

  test("is for the agent's user and group, and gone after the stop", async (scope) => {
    const { path, socket } = await open(scope);
    assert.is(statSync(path).mode & 0o777, 0o660);
    await socket.stop();
    assert.throws(() => statSync(path), /ENOENT/);
  });

  test("the file of an agent that was killed is replaced; that of one that lives is left alone", async (scope) => {
    const path = join(await scope.directory(), "metrics.sock");
    const leave = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await runProgram(process.execPath, ["-e", leave]);
    assert.ok(statSync(path).isSocket());
    const first = await open(scope, systemClock, path);
    await eventually("the socket", async () => (await client(scope, path)).writable);
    const second = await open(scope, systemClock, path);
    await eventually("the complaint", () => second.log.sentences.length === 1);
    const program = await client(scope, path);
    program.end("room temperature=1\n");
    await once(program.resume(), "end");
    assert.equal([first.intake.taken, second.intake.taken], [1, 0]);
  });

  test("what is no socket is left as it is, whatever the setting names", async (scope) => {
    const directory = await scope.directory();
    const at = (name: string): string => join(directory, name);
    await writeFile(at("file"), "precious");
    await mkdir(at("directory"));
    const dead = `require("net").createServer().listen(${JSON.stringify(at("dead"))}, () => process.kill(process.pid, "SIGKILL"))`;
    await runProgram(process.execPath, ["-e", dead]);
    await symlink(at("file"), at("link"));
    await symlink(at("dead"), at("link-to-socket"));
    await symlink(at("nowhere"), at("dangling"));
    for (const name of ["file", "directory", "link", "link-to-socket", "dangling"]) {
      const before = lstatSync(at(name));
      const { log, socket } = await open(scope, systemClock, at(name));
      await eventually(name, () => log.sentences.length === 1);
      await socket.stop();
      assert.equal([lstatSync(at(name)).ino, lstatSync(at(name)).mode], [before.ino, before.mode], name);
    }
    assert.is(readFileSync(at("file"), "utf8"), "precious");
    assert.ok(lstatSync(at("dead")).isSocket());
  });

  test("a file that has taken the socket's place meanwhile outlives the stop", async (scope) => {
    const { path, socket } = await open(scope);
    await rm(path);
    await writeFile(path, "precious");
    await socket.stop();
    assert.is(readFileSync(path, "utf8"), "precious");
  });

  test("what stands in the way is told, and the agent goes on without it", async (scope) => {
    const directory = await scope.directory();
    await writeFile(join(directory, "file"), "");
    const long = join(directory, "x".repeat(120));
    for (const path of [join(directory, "none/metrics.sock"), join(directory, "file/metrics.sock"), long]) {
      const { log } = await open(scope, systemClock, path);
      await eventually(path, () => log.sentences.length === 1);
      assert.match(log.sentences[0] ?? "", /no socket for the metrics .* MUSTER_METRICS_SOCKET/);
    }
  });

  test("connections are bounded", async (scope) => {
    const { path, intake } = await open(scope);
    const many = await Promise.all(Array.from({ length: 64 }, () => client(scope, path)));
    const one = await client(scope, path);
    assert.match((await answers(one))[0] ?? "", /64 programs are connected already/);
    many[0]?.end("room temperature=1\n");
    await once(many[0]!.resume(), "end");
    const next = await client(scope, path);
    next.end("room temperature=2\n");
    assert.equal(await answers(next), []);
    assert.is(intake.taken, 2);
  });

  test("a real program in another language writes to it", async (scope) => {
    const { path, intake } = await open(scope);
    const script = `import socket\ns = socket.socket(socket.AF_UNIX)\ns.connect(${JSON.stringify(path)})\ns.sendall(b"room temperature=21.5\\nbad\\n")\ns.shutdown(socket.SHUT_WR)\nprint(s.makefile().read())`;
    const { out, err } = await runProgram("python3", ["-c", script]);
    assert.match(out, /error in line 2: expected a space before the fields/, err);
    assert.is(intake.taken, 1);
  });
});
