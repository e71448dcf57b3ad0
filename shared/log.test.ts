import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { createLog, LogOutlet, maxUnwrittenLog, type Log, type LogStream } from "#shared/log";
import { maxLogPlaces, ofPart, ofPlace, tellEvery } from "#shared/log-budget";
import { maxLogDepth, maxLogLineLength, maxLogWidth } from "#shared/log-line";
import { suite } from "../test/suite.ts";
import { runProgram } from "../test/programs.ts";

const script = `
  import { createLog } from "#shared/log";
  import { setLogLevel } from "#shared/log";
  const log = createLog("agent", "info");
  setLogLevel("error");
  log.warn({}, "not shown");
  setLogLevel(undefined);
  log.debug({}, "not shown");
  log.warn({ device: "rpi-7", wait: 250, big: 12n }, "no connection");
  log.error({ err: Object.assign(new TypeError("outside", { cause: new Error("inside") }), { code: "EIO" }) }, "failed");
  createLog("quiet", "silent").error({}, "not shown");`;

suite("log", ({ test }) => {
  test("is one JSON object a line on standard error, errors with their causes, below the level nothing", async () => {
    const args = ["--import", "tsx", "--input-type=module", "--eval", script];
    const { out, err } = await runProgram(process.execPath, args);
    assert.is(out, "");
    const lines = err.trim().split("\n");
    const [warned, failed] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.is(lines.length, 2);
    const { time, ...rest } = warned ?? {};
    assert.ok(Math.abs(Date.parse(String(time)) - Date.now()) < 60_000);
    assert.equal(rest, { level: 40, scope: "agent", device: "rpi-7", wait: 250, big: "12", msg: "no connection" });
    const { stack, ...error } = (failed?.["err"] ?? {}) as Record<string, unknown>;
    assert.equal(error, { type: "TypeError", code: "EIO", message: "outside: inside" });
    assert.match(String(stack), "TypeError: outside");
  });

  test("what strangers sent is one line of it, with nothing that a terminal obeys, in both forms", () => {
    const hostile = "\u001b[2J\u009b31m\u202e\u2028\u0085\r\n00:00:00 error console: forged\t\u007f";
    const err = Object.assign(new Error(hostile), { code: hostile });
    for (const isTTY of [true, false]) {
      const { log, lines } = recorded(isTTY);
      log.warn({ device: hostile, [hostile]: { [hostile]: [hostile] }, err }, `refused: ${hostile}`);
      // oxlint-disable-next-line no-control-regex -- control characters are what it looks for
      assert.match(lines.join(""), /^[^\u0000-\u001f\u007f-\u009f\u202e\u2028]*\n$/);
      if (!isTTY) assert.is((JSON.parse(lines[0] ?? "") as { device: string }).device, hostile);
    }
  });

  test("of one place a burst is written, then some a second, and how many were left out is told", () => {
    const { log, lines, clock } = recorded();
    for (let n = 0; n < ofPlace.burst + 250; n += 1) log.warn({}, `refused from "rpi-${n}" on port ${n}`);
    assert.is(lines.length, ofPlace.burst);
    // Another place of the same part still has its say.
    log.warn({}, "the disk is full");
    assert.is(lines.length, ofPlace.burst + 1);
    clock.advance(tellEvery);
    assert.match(lines.at(-1) ?? "", /250 more lines like .*refused from … on port ….* were left out in the last 10 s/);
    const before = lines.length;
    for (let n = 0; n < ofPlace.burst; n += 1) log.warn({}, `refused from "rpi-${n}" on port ${n}`);
    assert.is(lines.length - before, (ofPlace.perSecond * tellEvery) / 1_000);
  });

  test("of one part and level so many lines are written, however different they are; another level goes on", () => {
    const { log, lines, clock } = recorded();
    const word = (n: number): string =>
      String.fromCharCode(97 + (n % 26), 97 + (Math.floor(n / 26) % 26), 97 + (n % 17));
    for (let n = 0; n < ofPart.burst + maxLogPlaces * 4; n += 1) log.warn({}, `${word(n)} is not known`);
    assert.is(lines.length, ofPart.burst);
    log.error({}, "this one counts");
    assert.is(lines.length, ofPart.burst + 1);
    clock.advance(tellEvery);
    const told = lines.slice(ofPart.burst + 1).map((line) => (JSON.parse(line) as { leftOut: number }).leftOut);
    assert.ok(told.length <= 11, `told in ${told.length} lines`);
    assert.is(
      told.reduce((sum, count) => sum + count, 0),
      maxLogPlaces * 4,
    );
    const before = lines.length;
    for (let n = 0; n < 1_000; n += 1) log.warn({}, `${word(n)} is not known`);
    assert.ok(lines.length - before <= (ofPart.perSecond * tellEvery) / 1_000);
  });

  test("a line is of a bounded length, whatever is to be logged", () => {
    const { log, lines } = recorded();
    const err = new Error("e".repeat(100_000), { cause: new Error("c".repeat(100_000)) });
    log.warn(
      { err, text: "\u0001".repeat(100_000), list: Array.from({ length: 1e5 }, (_, at) => at) },
      "m".repeat(100_000),
    );
    log.warn(Object.fromEntries(Array.from({ length: 5_000 }, (_, at) => [`${at}`.repeat(200), at])), "wide");
    log.warn(
      { name: Object.fromEntries(Array.from({ length: maxLogWidth + 5 }, (_, at) => [`k${at}`, at])) },
      "entries",
    );
    for (const line of lines) assert.ok(Buffer.byteLength(line) < maxLogLineLength * 1.5, `${line.length} characters`);
    assert.is(Object.keys((JSON.parse(lines[2] ?? "") as { name: object }).name).length, maxLogWidth + 1);
    let nested: unknown = 1;
    for (let depth = 0; depth < maxLogDepth + 100_000; depth += 1) nested = { in: nested };
    log.warn({ nested }, "deep");
    assert.is(lines[3]?.split('"in"').length, maxLogDepth);
  });

  test("nothing that is logged makes it throw", () => {
    const { log, lines } = recorded();
    const circle: Record<string, unknown> = { big: 1n, at: new Date(Number.NaN), bytes: Buffer.alloc(5) };
    circle["self"] = circle;
    const getter = Object.defineProperty({}, "x", { enumerable: true, get: () => assert.unreachable() });
    const proxy = new Proxy(
      {},
      {
        ownKeys: () => {
          throw new Error("no keys");
        },
      },
    );
    const err = Object.defineProperty(new Error("a"), "message", { get: () => assert.unreachable() });
    log.warn({ circle, getter, map: new Map([[1, 2]]), toJSON: () => assert.unreachable() }, "odd");
    log.warn({ proxy }, "odder");
    log.warn({ err, undefined: undefined, symbol: Symbol("s"), lone: "\ud800" }, "oddest");
    assert.is(lines.length, 3);
    for (const line of lines) assert.match((JSON.parse(line) as { msg: string }).msg, /^odd/);
  });

  test("where nobody reads, lines are dropped beyond a bound, and counted when somebody does", () => {
    const { log, lines, stream } = recorded();
    stream.writableLength = maxUnwrittenLog;
    log.warn({}, "still kept");
    stream.writableLength = maxUnwrittenLog + 1;
    log.warn({}, "dropped");
    log.error({}, "dropped");
    assert.is(lines.length, 1);
    stream.writableLength = 0;
    log.warn({}, "heard again");
    assert.match(lines[1] ?? "", "2 lines of the log were lost");
    assert.match(lines[2] ?? "", "heard again");
  });

  for (const what of ["a pipe that was closed", "a full disk"]) {
    test(`a reader that is gone ends nothing: ${what}`, async (scope) => {
      const lines = `
        import { createLog } from "#shared/log";
        const log = createLog("agent", "info");
        let n = 0;
        const timer = setInterval(() => {
          log.error({}, "line " + n);
          if ((n += 1) > 20) process.exit(console.log("alive"));
        }, 5);`;
      const full = openSync("/dev/full", "w");
      scope.cleanup(() => closeSync(full));
      const child = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "--eval", lines], {
        stdio: ["ignore", "pipe", what === "a full disk" ? full : "pipe"],
      });
      scope.cleanup(() => void child.kill("SIGKILL"));
      child.stderr?.destroy();
      let out = "";
      child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
      await once(child, "close");
      assert.is(out.trim(), "alive");
    });
  }
});

function recorded(isTTY = false): {
  log: Log;
  lines: string[];
  clock: ManualClock;
  stream: { writableLength: number };
} {
  const lines: string[] = [];
  const clock = new ManualClock();
  const stream = {
    isTTY,
    writableLength: 0,
    write: (text: string) => lines.push(text) > 0,
    on() {},
  } satisfies LogStream;
  return { log: createLog("console", "debug", new LogOutlet({ stream, clock })), lines, clock, stream };
}
