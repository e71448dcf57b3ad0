import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { runProgram } from "../test/programs.ts";

const script = `
  import { createLog } from "#shared/log";
  const log = createLog("agent", "info");
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
});
