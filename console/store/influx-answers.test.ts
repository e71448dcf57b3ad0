import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import { startInflux } from "../../test/influx.ts";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { answerCases, type AnswerCase } from "./influx-answers.fixture.ts";
import { maxRetryAfter, meaningOf } from "./influx-answers.ts";
import { maxUnclear, searchBudget, smallLine } from "./influx-writer.ts";
import { InfluxStore } from "./influx.ts";
import { StoreUnavailableError, type SeriesColumns } from "./store.ts";

const began = Date.UTC(2026, 10, 1);
const room = (device: string, values: readonly (number | string)[], field = "v"): SeriesColumns => ({
  device: parseDeviceId(device),
  measurement: "room",
  tags: {},
  times: values.map((_, at) => began + at),
  fields: { [field]: values },
});
const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);
const end = (promise: Promise<{ rejected: readonly { count: number }[] }>): Promise<string> =>
  promise.then(
    ({ rejected }) => `stored but ${rejected.reduce((sum, { count }) => sum + count, 0)}`,
    (error: Error) =>
      error instanceof StoreUnavailableError ? `deferred: ${error.message}` : `thrown: ${error.message}`,
  );

interface Reply {
  readonly status: number;
  readonly body?: string;
  readonly headers?: Record<string, string>;
}
const taken: Reply = { status: 204 };
const policies = JSON.stringify({
  results: [
    { series: [{ columns: ["name", "duration", "replicaN", "default"], values: [["autogen", "0s", 1, true]] }] },
  ],
});

/** A server that answers writes as it is told to, and a store that writes there. */
async function serve(scope: Scope, answer: (lines: string[]) => Reply, clock: Clock = systemClock) {
  const asked: string[][] = [];
  const server = createServer((request, response) => {
    void textOf(request).then((text) => {
      const isWrite = request.url?.startsWith("/write") ?? false;
      const lines = text.split("\n").filter((line) => line !== "");
      if (isWrite && lines.length > 0) asked.push(lines);
      const { status, body = "", headers = {} } = isWrite ? answer(lines) : { status: 200, body: policies };
      response.writeHead(status, headers).end(body);
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => (server.closeAllConnections(), server.close()));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fleet`;
  const store = new InfluxStore({ url, random: () => 0.5, clock, log: silentLog });
  await store.start();
  scope.cleanup(() => store.stop());
  return { store, asked };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const chunk of request.setEncoding("utf8")) text += chunk as string;
  return text;
}

const poison =
  (reply: Reply) =>
  (lines: string[]): Reply =>
    lines.some((line) => line.includes("poison")) ? reply : taken;

suite("what an answer of InfluxDB means", ({ test }) => {
  for (const { from, answer, meaning } of answerCases)
    test(`${from}: ${answer.status} ${answer.body.slice(0, 60)}: ${meaning}`, () =>
      assert.is(meaningOf({ headers: {}, ...answer }).kind, meaning));

  test("InfluxDB 3 says which lines it refuses, unless there may be more than it names", () => {
    const body = (count: number): string =>
      JSON.stringify({
        error: "partial write of line protocol occurred",
        data: numbers(count).map((at) => ({ line_number: at + 1, error_message: "bad", original_line: "x" })),
      });
    const one = meaningOf({ status: 400, headers: {}, body: body(2) });
    assert.equal(one.kind === "rejected" && one.lines, [
      { line: 0, why: "bad" },
      { line: 1, why: "bad" },
    ]);
    const many = meaningOf({ status: 400, headers: {}, body: body(100) });
    assert.is(many.kind === "rejected" && many.lines, undefined);
  });

  test("the page about it says the same", () => {
    const page = readFileSync("docs/influxdb.md", "utf8");
    const rows = answerCases.map(toRow);
    assert.equal(
      page.split("\n").filter((line) => rows.includes(line)),
      rows,
      `it should have:\n${rows.join("\n")}`,
    );
  });
});

/** What stands for each meaning on the page. */
function toRow({ from, answer: { status, body }, meaning }: AnswerCase): string {
  const text = body.startsWith("<") ? `a page: ${/<title>([^<]*)/.exec(body)?.[1] ?? ""}` : body;
  const shown =
    text === "" ? "nothing" : `\`${text.slice(0, 150).replaceAll("|", "\\|")}${text.length > 150 ? "…" : ""}\``;
  return `| ${from} | ${status} | ${shown} | ${meaning} |`;
}

suite("writes to InfluxDB, by what it answers", ({ test }) => {
  const v2 = (status: number, message: string): Reply => ({ status, body: JSON.stringify({ code: "x", message }) });
  for (const [what, reply] of [
    ["422 with a partial write, as of 2.x", v2(422, "failure writing points to database: partial write: dropped=1")],
    [
      "500 with a partial write, as of 2.0",
      v2(500, "unexpected error: partial write: points beyond retention policy dropped=1"),
    ],
    ["400 that does not parse", v2(400, "unable to parse 'poison': missing field value")],
  ] as const)
    test(`${what}: those lines are rejected, all else is in, and the store is not away`, async (scope) => {
      const { store } = await serve(scope, poison(reply));
      const good = store.write([room("rpi-1", numbers(500))]);
      const bad = store.write([room("rpi-2", [1, "poison", 3])]);
      assert.equal(await Promise.all([end(good), end(bad)]), ["stored but 0", "stored but 1"]);
      assert.equal(store.health(), { ok: true });
    });

  test("lines that InfluxDB 3 names are rejected without a search", async (scope) => {
    const { store, asked } = await serve(scope, (lines) => {
      const data = lines.flatMap((line, at) =>
        line.includes("poison")
          ? [{ line_number: at + 1, error_message: "invalid column type", original_line: line }]
          : [],
      );
      if (data.length === 0) return taken;
      return { status: 400, body: JSON.stringify({ error: "partial write of line protocol occurred", data }) };
    });
    const calls = [room("rpi-1", numbers(500)), room("rpi-2", [1, "poison", 3, "poison"]), room("rpi-3", ["poison"])];
    const ends = await Promise.all(calls.map((one) => end(store.write([one]))));
    assert.equal(ends, ["stored but 0", "stored but 2", "stored but 1"]);
    assert.is(asked.length, 1);
  });

  for (const [what, reply] of [
    ["500 for no clear reason", v2(500, "unexpected error: opening shard previously failed")],
    ["a filter that blocks", { status: 403, body: "<html><title>Request blocked</title></html>" }],
  ] as const)
    test(`${what}, for some lines alone: their senders keep them, all else is in, and the store is not away`, async (scope) => {
      const { store, asked } = await serve(scope, poison(reply));
      const calls = [room("rpi-1", numbers(500)), room("rpi-2", [1, "poison", 3]), room("rpi-3", numbers(500))];
      const ends = await Promise.all(calls.map((one) => end(store.write([one]))));
      assert.match(ends.join(), /^stored but 0,deferred: .*,stored but 0$/);
      assert.equal(store.health(), { ok: true });
      assert.ok(asked.length <= searchBudget + 2, `${asked.length} requests`);
      // Alone in its request too: a line that was taken before tells that it is not the server.
      assert.match(await end(store.write([room("rpi-2", ["poison"])])), /^deferred: /);
      assert.equal(store.health(), { ok: true });
      assert.is(await end(store.write([room("rpi-1", [1])])), "stored but 0");
    });

  test("the same for every line: the store is away after a few requests, and back when one is taken", async (scope) => {
    let away = true;
    const { store, asked } = await serve(scope, () => (away ? v2(500, "timeout") : taken));
    assert.match(await end(store.write([room("rpi-1", numbers(4_000))])), /^deferred: .*500: timeout/);
    assert.ok(asked.length <= maxUnclear, `${asked.length} requests`);
    assert.is(store.health().ok, false);
    away = false;
    await eventually(
      "a store that takes writes",
      async () => (await end(store.write([room("rpi-1", [1])]))) === "stored but 0",
    );
    assert.is(store.health().ok, true);
    away = true;
    asked.length = 0;
    assert.match(await end(store.write([room("rpi-1", numbers(4_000))])), /^deferred: /);
    assert.is(asked.length, 2, "the lines, and the one that is known");
  });

  test("a page instead of an answer is no receipt", async (scope) => {
    let login = false;
    const page = { status: 200, body: "<html><title>Sign in</title></html>" };
    const { store } = await serve(scope, () => (login ? page : taken));
    login = true;
    assert.match(await end(store.write([room("rpi-1", [1])])), /^deferred: .*as it is set up: 200: a page: Sign in/);
  });

  test("a proxy that takes no large requests gets small ones", async (scope) => {
    const { store, asked } = await serve(scope, (lines) =>
      lines.length > 300 ? { status: 413, body: "<html><title>413 Request Entity Too Large</title></html>" } : taken,
    );
    assert.is(await end(store.write([room("rpi-1", numbers(4_000))])), "stored but 0");
    assert.is(new Set(asked.flat()).size, 4_000);
  });

  const tooLarge = { status: 413, body: "<html><title>413 Request Entity Too Large</title></html>" };
  test("a proxy that finds a single small line too large is set up so: nothing is rejected, and it is said what to do", async (scope) => {
    let closed = true;
    const { store, asked } = await serve(scope, () => (closed ? tooLarge : taken));
    const ended = await Promise.all(
      [room("rpi-1", numbers(4_000)), room("rpi-2", [1])].map((one) => end(store.write([one]))),
    );
    for (const one of ended) assert.match(one, /^deferred: .*as it is set up: 413: .*client_max_body_size/);
    assert.match(store.health().problem ?? "", /413: .*client_max_body_size/);
    assert.ok(asked.length <= 14, `${asked.length} requests`);
    closed = false;
    await eventually(
      "lines that are taken",
      async () => (await end(store.write([room("rpi-2", [1])]))) === "stored but 0",
    );
    assert.equal(store.health(), { ok: true });
  });

  for (const [bytes, isFleet] of [
    [smallLine, true],
    [smallLine + 1, false],
  ] as const)
    test(`a single line of ${bytes} bytes that is too large: ${isFleet ? "the store is away" : "its sender alone keeps it"}`, async (scope) => {
      const { store } = await serve(scope, (lines) => (lines.some((line) => line.length > 60_000) ? tooLarge : taken));
      // A longer text would be cut.
      const texts = Object.fromEntries(["a", "b", "c", "d"].map((name) => [name, ["x".repeat(15_000)]]));
      const rest = 60_000 + `room,host=rpi-2 a="",b="",c="",d="",e="" ${began}\n`.length;
      const sized = (size: number): SeriesColumns => ({
        ...room("rpi-2", [1]),
        fields: { ...texts, e: ["x".repeat(size)] },
      });
      assert.is(await end(store.write([room("rpi-1", [1])])), "stored but 0");
      assert.match(await end(store.write([sized(bytes - rest)])), /^deferred: .*413: .*client_max_body_size/);
      assert.is(store.health().ok, !isFleet);
    });

  test("a partial write that dropped nothing is stored", async (scope) => {
    const { store } = await serve(scope, () =>
      v2(400, "partial write: max-values-per-tag limit may be exceeded dropped=0"),
    );
    assert.is(await end(store.write([room("rpi-1", [1, 2])])), "stored but 0");
    assert.equal(store.health(), { ok: true });
  });

  for (const [what, body] of [
    ["unable to parse", JSON.stringify({ error: "unable to parse 'room v=1 1': bad timestamp" })],
    ["a bad request", JSON.stringify({ error: "bad request" })],
    [
      "each line named",
      JSON.stringify({
        error: "parsing failed for write_lp endpoint",
        data: [{ line_number: 1, error_message: "no" }],
      }),
    ],
  ] as const)
    for (const known of [true, false])
      test(`every line refused, ${what}, ${known ? "after" : "without"} one that was taken: nothing is acknowledged, and the store counts as away`, async (scope) => {
        let wrong = !known;
        const { store, asked } = await serve(scope, () => (wrong ? { status: 400, body } : taken));
        if (known) assert.is(await end(store.write([room("rpi-0", [1])])), "stored but 0");
        wrong = true;
        for (const one of ["rpi-1", "rpi-2"]) {
          await eventually("a store that is asked", async () => {
            asked.length = 0;
            assert.match(await end(store.write([room(one, [1])])), /^deferred: .*answers (unable|bad|parsing|no)/);
            return asked.length > 0;
          });
          assert.is(asked.length, known ? 2 : 1);
        }
        assert.match(store.health().problem ?? "", /answers (unable|bad|parsing|no)/);
        wrong = false;
        await eventually(
          "lines that are taken",
          async () => (await end(store.write([room("rpi-1", [1])]))) === "stored but 0",
        );
        assert.equal(store.health(), { ok: true });
      });

  test("a bad line alone in its request is rejected where one that was taken before is taken again, or understood", async (scope) => {
    let known: Reply = taken;
    const bad = v2(400, "unable to parse 'poison': missing field value");
    const { store, asked } = await serve(scope, (lines) =>
      lines.some((line) => line.includes("poison")) ? bad : known,
    );
    assert.is(await end(store.write([room("rpi-1", [1])])), "stored but 0");
    assert.is(await end(store.write([room("rpi-2", ["poison"])])), "stored but 1");
    known = v2(400, "partial write: points beyond retention policy dropped=1");
    assert.is(await end(store.write([room("rpi-2", ["poison"])])), "stored but 1");
    assert.is(asked.length, 5);
    assert.equal(store.health(), { ok: true });
  });

  test("a server that asks to be left alone is, for so long and no longer than five minutes", async (scope) => {
    const clock = new ManualClock();
    let probes = 0;
    const reply = { status: 429, headers: { "retry-after": "86400" } };
    const { store } = await serve(scope, () => ((probes += 1), probes === 1 ? taken : reply), clock);
    const write = end(store.write([room("rpi-1", [1])]));
    clock.advance(1_000);
    assert.match(await write, /^deferred: .*429/);
    clock.advance(maxRetryAfter - 1);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.is(probes, 2);
    clock.advance(1);
    await eventually("a probe", () => probes === 3);
  });

  test("a real one: of lines of another type only those are rejected, whoever shares their request", async (scope) => {
    const server = await startInflux(scope);
    const store = new InfluxStore({
      url: `${server.url}/fleet`,
      random: () => 0.5,
      clock: systemClock,
      log: silentLog,
    });
    await store.start();
    scope.cleanup(() => store.stop());
    await store.write([room("rpi-1", [1])]);
    const calls = [room("rpi-2", numbers(500)), room("rpi-3", [1, "text", 3]), room("rpi-4", ["a", "b"])];
    const ends = await Promise.all(calls.map((one) => end(store.write([one]))));
    assert.equal(ends, ["stored but 0", "stored but 1", "stored but 2"]);
    assert.equal(store.health(), { ok: true });
  });
});
