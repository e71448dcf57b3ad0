import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import * as assert from "uvu/assert";
import { buildApp } from "../console/http/server.ts";
import { parseCommand } from "../console/desk/kept-command.ts";
import { parseJob, parseJobDevice } from "../console/jobs/kept-job.ts";
import { systemClock } from "#shared/clock";
import { maxDuration, maxWait } from "#shared/duration";
import { silentLog } from "#shared/log";
import { startFleet } from "./fleet.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** Milliseconds at the edges of what a duration, a timer, a moment and a number can be, and beyond. */
const numbers = [
  -9e15,
  -1,
  0,
  0.4,
  1,
  2 ** 31,
  maxWait,
  maxWait + 1,
  maxDuration,
  maxDuration + 1,
  8.64e15,
  8.64e15 + 1,
  2 ** 53,
  9e15,
  1e300,
];
/** The same as somebody writes it, and what is no number; in days too, whose milliseconds may be no number any more. */
const spans = [
  ...numbers,
  `${maxWait}ms`,
  "3650d",
  "3651d",
  "9e15ms",
  "-1d",
  "99999999d",
  `${"9".repeat(400)}d`,
  "NaN",
];

async function startApi(scope: Scope) {
  const fleet = await startFleet(scope, "embedded");
  const { console } = fleet;
  const app = await buildApp({
    console,
    accounts: fleet.state.accounts,
    listen: "",
    port: 0,
    log: silentLog,
    clock: systemClock,
  });
  scope.cleanup(() => app.close());
  const authorization = `Basic ${Buffer.from(`ann:${fleet.secretOf("ann")}`).toString("base64")}`;
  const ask = async (method: "GET" | "POST", url: string, payload?: object) => {
    const { statusCode, body } = await app.inject({
      method,
      url,
      headers: { authorization },
      ...(payload && { payload }),
    });
    assert.ok(statusCode < 500, `${method} ${url} ${JSON.stringify(payload)}: ${statusCode} ${body}`);
    return { status: statusCode, body: JSON.parse(body) };
  };
  /** What stands in the database reads again, and what is shown of it does. */
  const allReads = async (): Promise<void> => {
    const rows = (table: string) => fleet.state.database.prepare(`SELECT * FROM ${table}`).all() as never[];
    await eventually("what waits for the disk", () => fleet.console.jobs.kept());
    for (const row of rows("commands")) parseCommand(row);
    for (const row of rows("jobs")) parseJob(row);
    for (const row of rows("job_devices")) parseJobDevice(row);
    for (const list of ["commands?limit=1000", "jobs?limit=1000", "devices"])
      assert.is((await ask("GET", `/api/${list}`)).status, 200);
    assert.equal(fleet.console.faults.places, []);
  };
  return { fleet, ask, allReads };
}

suite("times beyond all reason", ({ test }) => {
  test("sent over HTTP are refused, and whatever is taken reads again", async (scope) => {
    const { ask, allReads } = await startApi(scope);
    const path = "/api/devices/rpi-7/commands?wait=false";
    for (const ttl of spans) await ask("POST", path, { key: "ping", ttl, timeout: "3s" });
    for (const timeout of spans) await ask("POST", path, { key: "ping", ttl: "1h", timeout });
    for (const span of spans) {
      await ask("POST", "/api/jobs", { key: "ping", target: { devices: ["rpi-7"] }, rate: 1_000, ttl: span });
      await ask("POST", "/api/jobs", { key: "ping", target: { devices: ["rpi-7"] }, rate: 1_000, timeout: span });
    }
    await allReads();
    for (const ttl of [maxWait, `${maxWait}ms`]) assert.is((await ask("POST", path, { key: "ping", ttl })).status, 202);
    for (const ttl of [maxWait + 1, 9e15, "99999999d"]) {
      const { status, body } = await ask("POST", path, { key: "ping", ttl });
      assert.is(status, 400);
      assert.match(body.detail, /^ttl is .*: expected 3650d at most$/);
    }
  });

  test("asked of metrics are refused or answered", async (scope) => {
    const { ask } = await startApi(scope);
    const path = "/api/devices/rpi-7/metrics?measurement=mem&field=used";
    for (const span of spans)
      for (const query of [`from=${span}`, `to=${span}`, `from=-${span}`, `every=${span}`])
        await ask("GET", `${path}&${query}`);
  });

  test("typed over MQTT are refused, and whatever is taken reads again", async (scope) => {
    const { fleet, allReads } = await startApi(scope);
    const now = Date.now();
    const lines = numbers.flatMap((n) => [
      `{"key":"ping","timeout":${n}}`,
      `{"key":"ping","expires":${n}}`,
      `{"key":"ping","expires":${now + n}}`,
      `{"key":"ping","ts":${n}}`,
    ]);
    const file = join(await scope.directory(), "lines");
    await writeFile(file, `${[...lines, `{"key":"report"}`].join("\n")}\n`);
    const login = fleet.login().map((word) => `'${word}'`);
    await promisify(execFile)("sh", ["-c", `mosquitto_pub ${login.join(" ")} -q 1 -t muster/rpi-7/cmd -l < ${file}`]);
    await eventually("the last of them", () => fleet.console.desk.list({}).some(({ key }) => key === "report"));
    await allReads();
    const taken = fleet.console.desk.list({});
    assert.ok(taken.some(({ timeout }) => timeout === maxWait));
    assert.not(taken.some(({ timeout }) => (timeout ?? 0) > maxWait));
    assert.not(taken.some(({ expires }) => (expires ?? 0) > Date.now() + maxWait));
  });

  test("of a program's own call are refused", async (scope) => {
    const { fleet, allReads } = await startApi(scope);
    for (const n of [...spans, Number.NaN, Infinity, -Infinity])
      for (const options of [
        { ttl: n, timeout: 1 },
        { ttl: "1h", timeout: n },
      ]) {
        const sent = fleet.console.send("rpi-7", { key: "ping" }, options).then(
          () => assert.unreachable(),
          (error: Error) => assert.ok(["BadInputError", "CommandTimeoutError"].includes(error.name), String(error)),
        );
        if (options.timeout === 1) await sent;
        else void sent.catch(() => {});
      }
    await allReads();
  });
});
