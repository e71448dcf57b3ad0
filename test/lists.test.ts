import { join } from "node:path";
import * as assert from "uvu/assert";
import { misfit } from "../attack/schema.ts";
import { CommandRows } from "../console/desk/command-rows.ts";
import { maxEvents, type Command } from "../console/desk/command.ts";
import { maxPageLength } from "../console/http/list-pages.ts";
import { maxOffenders } from "../console/http/routes/serve-quarantine.ts";
import type { SeriesBudget } from "../console/ingest/contract/series-budget.ts";
import { systemClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { furnish, House } from "./damage.ts";
import { cpuMs } from "./cpu.ts";
import { suite, type Scope } from "./suite.ts";

/** Milliseconds for which lists may hold the event loop; twice what is promised, for machines that are busy. */
const longest = 100;
/** The best of so many tries: what others on the machine take is no fault of a list. */
const tries = 3;

type Schema = Parameters<typeof misfit>[0];
interface Described {
  readonly paths: Readonly<Record<string, { readonly get: { readonly responses: Readonly<Record<string, Answer>> } }>>;
}
interface Answer {
  readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
}

async function houseOn(scope: Scope, directory: string): Promise<House> {
  const house = await House.open(directory);
  scope.cleanup(() => house.close());
  return house;
}

function command(at: number, more: Partial<Command> = {}): Command {
  return {
    id: parseCommandId(`c${String(at).padStart(5, "0")}`),
    device: parseDeviceId(`d${at % 500}`),
    key: "report",
    args: { text: "x".repeat(60) },
    by: "ann",
    ts: at,
    timeout: 1_000,
    expires: null,
    state: "succeeded",
    online: true,
    answered: true,
    timeline: Array.from({ length: 4 }, (_, ts) => ({ ts, who: "device" as const, what: "answered: succeeded" })),
    encoding: "json",
    ...more,
  };
}

const putOutbox = `INSERT INTO outboxes (device, outbox, begun, heard, lowest, highest, settled, tip, newest, batches, samples, set_aside)
  VALUES (?, 'o', 1, 2, 1, 9, '[1,9]', 1, 2, 9, 9, 0)`;

// What is written out is the point: it is held against OpenAPI's description and not read by the client, which takes time of its own.
suite("lists over HTTP", ({ test }) => {
  test(
    "each is what its description says, though it is written out without it",
    async (scope) => {
      const directory = join(await scope.directory(), "clean");
      await furnish(directory, join(await scope.directory(), "killed"));
      const house = await houseOn(scope, directory);
      const { state, console } = house;
      console.damage.note("devices", "d9", "no such device", "{");
      state.accounts.tokens.issue({ account: "root", kind: "token", ttl: 60_000, address: "::1", agent: "curl" });
      const gap = { ts: 1, who: "console" as const, what: `${maxEvents} events more`, more: maxEvents };
      new CommandRows(state.database, systemClock).insert(command(1, { timeline: [gap] }));
      const [job] = ((await house.ask("/api/jobs")).body as { jobs: { id: string }[] }).jobs;
      const { paths } = (await house.ask("/api/openapi.json")).body as Described;
      for (const [path, list, url = path] of [
        ["/api/devices", "devices"],
        ["/api/commands", "commands"],
        ["/api/jobs", "jobs"],
        ["/api/jobs/{id}", "devices", `/api/jobs/${job?.id}`],
        ["/api/quarantine", "entries"],
        ["/api/completeness", "devices"],
        ["/api/series", "largest"],
        ["/api/damage", "damaged"],
        ["/api/groups", "groups"],
        ["/api/fields", "conflicts"],
        ["/api/sessions", "sessions"],
      ] as const) {
        const { status, body } = await house.ask(url);
        assert.is(status, 200, path);
        const schema = paths[path]?.get.responses["200"]?.content["application/json"]?.schema;
        assert.ok(schema, path);
        assert.is(misfit(schema, body), undefined, `${path}: ${JSON.stringify(body).slice(0, 2_000)}`);
        assert.ok(Object.keys((body as Record<string, object>)[list] ?? {}).length > 0, `${path} is empty`);
      }
      const { groups } = (await house.ask("/api/groups")).body as { groups: Record<string, string[]> };
      const members = Array.from({ length: 8 }, (_, at) => `d${at}`);
      assert.equal(groups, { all: members, lab: members });
    },
    { seconds: 60 },
  );

  test("eight of each at once hold nobody up, however much is in them", async (scope) => {
    const house = await houseOn(scope, await scope.directory());
    const { database } = house.state;
    const rows = new CommandRows(database, systemClock);
    database.exec("BEGIN");
    for (let at = 0; at < 2_000; at++) rows.insert(command(at));
    const job = { key: "ping", args: {}, target: { all: true }, rate: 1, canary: 0, abort: null, ttl: 1, timeout: 1 };
    for (let at = 0; at < 200; at++) {
      const document = JSON.stringify({ ...job, id: `j${at}`, by: "ann", ts: at, state: "done" });
      database.prepare("INSERT INTO jobs VALUES (?, 'done', ?, ?, '')").run(`j${at}`, at, document);
    }
    const part = database.prepare(
      "INSERT INTO job_devices VALUES ('j199', ?, ?, 0, 'succeeded', ?, 1, 1, 2, 'an outcome of the usual length')",
    );
    const group = database.prepare("INSERT INTO device_groups VALUES (?, 'lab')");
    const outbox = database.prepare(putOutbox);
    for (let at = 0; at < 5_000; at++) {
      const device = `d${String(at).padStart(5, "0")}`;
      part.run(at, device, `c-${at}`);
      group.run(device);
      outbox.run(device);
    }
    database.exec("COMMIT");
    for (const path of [
      "/api/commands?limit=1000",
      "/api/jobs/j199",
      "/api/jobs",
      "/api/completeness",
      "/api/groups",
    ]) {
      let held = Infinity;
      for (let turn = 0; turn < tries && held > longest; turn++) {
        const asked = Promise.all(Array.from({ length: 8 }, () => house.ask(path)));
        held = Math.min(held, await longestTurnOf(asked));
        for (const { status } of await asked) assert.is(status, 200, path);
      }
      assert.ok(held <= longest, `${path}: ${held} ms`);
    }
  });

  test("pages of jobs and of the fleet's completeness follow one another without a gap", async (scope) => {
    const house = await houseOn(scope, await scope.directory());
    const { database } = house.state;
    const wide = { key: "ping", args: { text: "x".repeat(maxPageLength / 20) }, target: { all: true }, rate: 1 };
    const rest = { canary: 0, abort: null, ttl: 1, timeout: 1, by: "ann", state: "done" };
    database.exec("BEGIN");
    for (let at = 0; at < 50; at++) {
      const id = `j${String(at).padStart(3, "0")}`;
      const document = JSON.stringify({ ...wide, ...rest, id, ts: at >> 2 });
      database.prepare("INSERT INTO jobs VALUES (?, 'done', ?, ?, '')").run(id, at >> 2, document);
    }
    const outbox = database.prepare(putOutbox);
    const devices = Array.from({ length: 5_000 }, (_, at) => `d${String(at).padStart(5, "0")}`);
    for (const device of devices) outbox.run(device);
    database.exec("COMMIT");
    const ids = await pagesOf(house, "/api/jobs?limit=1000", "jobs", "before", ({ id }) => id);
    assert.equal(
      ids,
      Array.from({ length: 50 }, (_, at) => `j${String(49 - at).padStart(3, "0")}`),
    );
    const told = await pagesOf(house, "/api/completeness?", "devices", "after", ({ device }) => device);
    assert.equal(told, devices);
  });

  test("the devices beyond their budget of series are told as far as somebody can read them", async (scope) => {
    const house = await houseOn(scope, await scope.directory());
    const one = { known: 1, series: 1, samples: 1, first: 1, last: 2, worst: [] };
    const offenders: ReturnType<SeriesBudget["offenders"]> = Array.from({ length: maxOffenders + 1 }, (_, at) => ({
      ...one,
      device: parseDeviceId(`d${at}`),
    }));
    Object.assign(house.console.contract.budget, { offenders: () => offenders });
    const { devices } = (await house.ask("/api/series")).body as { devices: unknown[] };
    assert.is(devices.length, maxOffenders);
  });
});

/** Every page of a list. @returns what names its items, in their order */
async function pagesOf(
  house: House,
  path: string,
  list: string,
  parameter: string,
  name: (item: Record<string, string>) => string | undefined,
): Promise<unknown[]> {
  const names: unknown[] = [];
  let pages = 0;
  for (let next: string | null = ""; next !== null; pages++) {
    const { status, body } = await house.ask(`${path}${next === "" ? "" : `&${parameter}=${next}`}`);
    assert.is(status, 200);
    const page = body as Record<string, Record<string, string>[]> & { next: string | null };
    assert.ok(JSON.stringify(page[list]).length <= maxPageLength + 2 + (page[list]?.length ?? 0));
    names.push(...(page[list] ?? []).map(name));
    next = page.next;
  }
  assert.ok(pages > 1, `${pages} pages`);
  return names;
}

/** Milliseconds of processor time in the longest turn of the event loop while something is under way. */
async function longestTurnOf(work: Promise<unknown>): Promise<number> {
  let [longest, last, isOver] = [0, cpuMs(), false];
  const turn = (): void => {
    const now = cpuMs();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  await work;
  isOver = true;
  return longest;
}
