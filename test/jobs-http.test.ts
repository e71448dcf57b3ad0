import type { FastifyInstance } from "fastify";
import * as assert from "uvu/assert";
import { buildApp } from "../console/http/server.ts";
import type { JobDocument } from "#api/job-routes";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { ended, marking } from "./marking.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Answer {
  readonly status: number;
  // oxlint-disable-next-line typescript/no-explicit-any -- documents are looked into freely here
  readonly body: any;
}

async function startApi(scope: Scope) {
  const marks = await marking(scope, "embedded");
  const { fleet } = marks;
  fleet.state.accounts.set("eve", "viewer", "battery staple");
  fleet.state.accounts.set("olga", "operator", "correct horse");
  const app: FastifyInstance = await buildApp({
    console: fleet.console,
    accounts: fleet.state.accounts,
    listen: "",
    port: 0,
    log: silentLog,
    clock: systemClock,
  });
  scope.cleanup(() => app.close());
  const basic = (login: string): string => `Basic ${Buffer.from(login).toString("base64")}`;
  const ask = async (
    method: "GET" | "POST" | "PUT" | "DELETE",
    url: string,
    body?: object,
    login = "olga:correct horse",
  ): Promise<Answer> => {
    const headers = { authorization: basic(login) };
    const { statusCode, payload } = await app.inject({ method, url, headers, ...(body ? { payload: body } : {}) });
    return { status: statusCode, body: JSON.parse(payload) };
  };
  return { ...marks, app, ask, basic };
}

const problem = ({ status, body }: Answer, expected: number, detail: RegExp): void => {
  assert.is(status, expected, JSON.stringify(body));
  assert.match(body.detail, detail);
};

suite("HTTP API of jobs", ({ test }) => {
  test("make one, see it, list it", async (scope) => {
    const { ask, fleet } = await startApi(scope);
    const made = await ask("POST", "/api/jobs", { key: "mark", target: { where: "id=rpi-*" }, rate: 50 });
    assert.is(made.status, 201, JSON.stringify(made.body));
    const { id, state, by, ttl, rate, canary, timeout, abort, counts, devices } = made.body;
    assert.equal(
      { state, by, ttl, rate, canary, timeout, abort },
      {
        state: "running",
        by: "olga",
        ttl: 3_600_000,
        rate: 50,
        canary: 0,
        timeout: null,
        abort: null,
      },
    );
    assert.is(counts.total, 2);
    assert.is(devices.length, 2);
    await ended(fleet.console, id);
    const { body } = await ask("GET", `/api/jobs/${id}`);
    assert.is(body.state, "done");
    assert.is(body.explain, "all 2 devices succeeded; nothing to do");
    assert.ok(body.devices[0].command.startsWith(`${id}-`));
    assert.is(JSON.stringify(body).includes("nonce"), false);
    assert.is((await ask("GET", `/api/commands/${body.devices[0].command}`)).body.state, "succeeded");
    const list = (await ask("GET", "/api/jobs")).body.jobs;
    assert.is(list.length, 1);
    assert.is(list[0].id, id);
    assert.is("devices" in list[0], false);
  });

  test("pause, resume, cancel; what the state does not allow is a conflict", async (scope) => {
    const { ask } = await startApi(scope);
    const { body } = await ask("POST", "/api/jobs", { key: "mark", target: { all: true }, rate: 0.01 });
    const path = `/api/jobs/${body.id}`;
    assert.match((await ask("POST", `${path}/pause`)).body.explain, /paused by olga/);
    problem(await ask("POST", `${path}/pause`), 409, /is paused: expected one that is running/);
    assert.is((await ask("POST", `${path}/resume`)).body.state, "running");
    assert.is((await ask("DELETE", path)).body.state, "cancelled");
    assert.is((await ask("DELETE", path)).body.state, "cancelled");
    problem(await ask("POST", `${path}/resume`), 409, /is cancelled/);
    for (const [method, url] of [
      ["GET", "/api/jobs/none"],
      ["DELETE", "/api/jobs/none"],
      ["POST", "/api/jobs/none/pause"],
    ] as const)
      problem(await ask(method, url), 404, /no job "none"; GET \/api\/jobs/);
  });

  test("what cannot be carried out is refused with a sentence", async (scope) => {
    const { ask } = await startApi(scope);
    const all = { all: true };
    const cases: [object, number, RegExp][] = [
      [{ key: "mark" }, 400, /target/],
      [{ key: "mark", target: {} }, 400, /expected \{"all": true\}/],
      [{ key: "mark", target: { all: true, group: "x" } }, 400, /expected \{"all": true\}/],
      [{ key: "mark", target: { where: "os" } }, 400, /"os" is no condition/],
      [{ key: "mark", target: { where: "oss=linux" } }, 400, /no device tells "oss"; there are address, agent, arch/],
      [{ key: "mark", target: { where: "online=false" } }, 422, /no device fits/],
      [{ key: "mark", target: { devices: ["a b"] } }, 400, /device id/],
      [{ key: "mark", target: { devices: ["rpi-9"] } }, 404, /no device "rpi-9"/],
      [{ key: "mark", target: { group: "lab" } }, 404, /no group "lab"/],
      [{ key: "pong", target: all }, 422, /none of the 2 devices offers "pong"; they offer .*mark/],
      [{ key: "set-interval", args: { seconds: "soon" }, target: all }, 422, /seconds/],
      [{ key: "mark", target: all, rate: 0 }, 400, /rate/],
      [{ key: "mark", target: all, canary: -1 }, 400, /canary/],
      [{ key: "mark", target: all, abort: { failed: 20 } }, 400, /failed/],
      [{ key: "mark", target: all, ttl: "soon" }, 400, /ttl is "soon": expected a duration/],
      [{ key: "mark", target: all, ttl: "5" }, 400, /ttl is "5": expected a unit/],
    ];
    for (const [body, status, detail] of cases) problem(await ask("POST", "/api/jobs", body), status, detail);
    const eve = "eve:battery staple";
    problem(await ask("POST", "/api/jobs", { key: "mark", target: all }, eve), 403, /needs the role operator/);
    problem(await ask("PUT", "/api/devices/rpi-7/groups", { groups: [] }, eve), 403, /needs the role operator/);
    assert.equal((await ask("GET", "/api/jobs", undefined, eve)).body, { jobs: [], next: null });
  });

  test("groups are set, shown, and select", async (scope) => {
    const { ask, fleet, counts } = await startApi(scope);
    assert.equal((await ask("GET", "/api/devices/rpi-8/groups")).body, { device: "rpi-8", groups: [] });
    const set = await ask("PUT", "/api/devices/rpi-8/groups", { groups: ["lab", "eu"] });
    assert.equal(set.body, { device: "rpi-8", groups: ["eu", "lab"] });
    assert.equal((await ask("GET", "/api/groups")).body, { groups: { eu: ["rpi-8"], lab: ["rpi-8"] } });
    problem(await ask("PUT", "/api/devices/rpi-8/groups", { groups: ["a,b"] }), 400, /group "a,b" is not valid/);
    problem(await ask("GET", "/api/devices/rpi-9/groups"), 404, /no device/);
    const { body } = await ask("POST", "/api/jobs", { key: "mark", target: { group: "lab" } });
    await ended(fleet.console, body.id);
    assert.equal([...counts], [["rpi-8", 1]]);
  });

  test("changes arrive as events, without the devices", async (scope) => {
    const { app, basic, ask } = await startApi(scope);
    await app.listen({ host: "127.0.0.1", port: 0 });
    const { port } = app.server.address() as { port: number };
    const stop = new AbortController();
    scope.cleanup(() => stop.abort());
    const response = await fetch(`http://127.0.0.1:${port}/api/events`, {
      headers: { authorization: basic("olga:correct horse") },
      signal: stop.signal,
    });
    let text = "";
    const reading = (async () => {
      for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) text += chunk;
    })().catch(() => {});
    await eventually("the stream", () => text.includes("event: store"));
    await ask("POST", "/api/jobs", { key: "mark", target: { all: true } });
    await eventually("its end", () => /event: job\ndata: .*"state":"done"/.test(text));
    const events = [...text.matchAll(/event: job\ndata: (.*)/g)].map(
      ([, data = ""]) => JSON.parse(data) as JobDocument,
    );
    assert.ok(events.every((job) => job.devices === undefined && job.explain !== ""));
    stop.abort();
    await reading;
  });
});
