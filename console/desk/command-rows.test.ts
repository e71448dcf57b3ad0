import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { cpuMs } from "../../test/cpu.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { briefly } from "./brief.ts";
import { nameOf } from "./command-name.ts";
import type { Command } from "./command.ts";
import { CommandRows, maxListedLength } from "./command-rows.ts";

const idAt = (at: number) => parseCommandId(`c${String(at).padStart(4, "0")}`);

function command(at: number, more: Partial<Command> = {}): Command {
  return {
    id: idAt(at),
    device: parseDeviceId(`d${at % 2}`),
    key: "report",
    args: {},
    by: "ann",
    // Several of one millisecond, as a job sends them.
    ts: Math.floor(at / 3),
    timeout: 1_000,
    expires: null,
    state: "succeeded",
    online: true,
    timeline: [{ ts: 1, who: "console", what: "taken from ann" }],
    encoding: "json",
    ...more,
  };
}

async function rowsIn(
  scope: Scope,
): Promise<{ rows: CommandRows; database: ReturnType<typeof openState>["database"] }> {
  const state = openState(await scope.directory(), new ManualClock());
  scope.cleanup(() => state.close());
  return { rows: new CommandRows(state.database, new ManualClock()), database: state.database };
}

suite("commands' rows", ({ test }) => {
  test("a list has long commands in brief, and the whole one is there by its id", async (scope) => {
    const { rows, database } = await rowsIn(scope);
    const long = { output: "x".repeat(65_536), result: { list: Array.from({ length: 500 }).fill("y") as string[] } };
    database.exec("BEGIN");
    for (let at = 0; at < 200; at++) {
      rows.insert(command(at));
      rows.update(command(at, long));
    }
    database.exec("COMMIT");
    const began = cpuMs();
    const listed = rows.list({ limit: 200 });
    const took = cpuMs() - began;
    assert.is(listed.length, 200);
    assert.ok(listed.every(({ brief, output, result, steps }) => brief && !output && !result && steps === 1));
    assert.ok(JSON.stringify(listed).length < 200 * briefly.whole);
    assert.equal(rows.find(command(7)), command(7, long));
    // All of it took 300 ms.
    assert.ok(took < 100, `${took} ms`);
  });

  test("a page ends where there is no more room in an answer; pages follow without a gap", async (scope) => {
    const { rows, database } = await rowsIn(scope);
    const medium = { output: "x".repeat(briefly.whole - 500) };
    database.exec("BEGIN");
    for (let at = 0; at < 400; at++) rows.insert(command(at, medium));
    database.exec("COMMIT");
    for (const query of [{}, { device: "d1" }, { state: "succeeded" }, { device: "d0", state: "succeeded" }]) {
      const seen: string[] = [];
      let pages = 0;
      for (let before: string | undefined; ; pages++) {
        const page = rows.list({ ...query, limit: 1_000, ...(before === undefined ? {} : { before }) });
        if (page.length === 0) break;
        assert.ok(JSON.stringify(page).length <= maxListedLength + 2 * page.length);
        seen.push(...page.map(({ id }) => id));
        before = page.at(-1) && nameOf(page.at(-1)!);
      }
      const wanted = Array.from({ length: 400 }, (_, at) => 399 - at)
        .filter((at) => !("device" in query) || `d${at % 2}` === query.device)
        .map(idAt);
      assert.equal(seen, wanted);
      assert.ok(pages > 1, `${pages} pages`);
    }
  });

  test("a row damaged while Muster runs costs its own story, and no list", async (scope) => {
    const { rows, database } = await rowsIn(scope);
    for (let at = 0; at < 5; at++) rows.insert(command(at));
    const set = (at: number, column: string, value: string): void => {
      database.prepare(`UPDATE commands SET ${column} = ? WHERE id = ?`).run(value, idAt(at));
    };
    set(1, "document", "{");
    set(2, "device", "No Device");
    set(3, "brief", "[]");
    assert.equal(
      rows.list({}).map(({ id, error }) => [id, error?.code]),
      [
        [idAt(4), undefined],
        [idAt(3), undefined],
        [idAt(1), "damaged"],
        [idAt(0), undefined],
      ],
    );
    assert.equal(rows.find(command(3)), command(3));
    assert.is(rows.find(command(2)), undefined);
    assert.is(rows.list({}).length, 4);
  });

  test("answer times come from an index, and no document is read for them", async (scope) => {
    const { rows, database } = await rowsIn(scope);
    for (let at = 0; at < 4; at++) {
      rows.insert(command(at));
      rows.update(command(at, { took: at }));
    }
    database.exec("UPDATE commands SET document = ''");
    assert.equal(rows.answerTimes("d1", "report", 10), [1, 3]);
    const plan = JSON.stringify(
      database
        .prepare(
          "EXPLAIN QUERY PLAN SELECT took FROM commands WHERE device = 'a' AND key = 'b' AND took IS NOT NULL ORDER BY ts DESC LIMIT 5",
        )
        .all(),
    );
    assert.match(plan, /commands_by_key/);
  });
});
