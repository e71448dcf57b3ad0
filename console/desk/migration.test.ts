import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { parseCommandId, parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import { openDatabase } from "../database/database.ts";
import { migrations } from "../database/schema.ts";
import { CommandRows, maxNamesakes } from "./command-rows.ts";

/** The migrations before ids were a device's own. */
const earlier = migrations.findIndex((one) => one.includes("commands_by_name"));

const story = {
  key: "ping",
  args: {},
  by: "ann",
  ts: 1,
  timeout: null,
  expires: null,
  online: true,
  timeline: [],
  encoding: "json",
};

suite("commands of an earlier version", ({ test }) => {
  test("are all there afterwards, and a device may then have an id that another has", async (scope) => {
    const path = join(await scope.directory(), "console.db");
    const before = openDatabase(path, migrations.slice(0, earlier));
    const insert = before.prepare("INSERT INTO commands (id, device, state, ts, document) VALUES (?, ?, ?, ?, ?)");
    for (const [id, device, state] of [
      ["1", "a", "queued"],
      ["2", "b", "succeeded"],
    ] as const)
      insert.run(id, device, state, 1, JSON.stringify({ ...story, id, device, state }));
    before.prepare("INSERT INTO jobs (id, state, ts, document) VALUES ('j', 'running', 1, '{}')").run();
    before.close();
    const database = openDatabase(path, migrations);
    scope.cleanup(() => database.close());
    const rows = new CommandRows(database, new ManualClock());
    assert.equal(
      rows.open().map(({ id }) => id),
      ["1"],
    );
    assert.equal(
      rows.list({}).map(({ id }) => id),
      ["2", "1"],
    );
    const [id, device] = [parseCommandId("1"), parseDeviceId("b")];
    assert.is(rows.find({ device, id }), undefined);
    database
      .prepare("INSERT INTO commands (id, device, state, ts, document) VALUES ('1', 'b', 'queued', 2, ?)")
      .run(JSON.stringify({ ...story, id, device, state: "queued" }));
    assert.is(rows.withId(id).length, 2);
    for (let at = 0; at < maxNamesakes; at += 1)
      database
        .prepare("INSERT INTO commands (id, device, state, ts, document) VALUES ('1', ?, 'queued', 3, '{}')")
        .run(`d${at}`);
    assert.is(rows.withId(id).length, maxNamesakes);
    assert.is((database.prepare("SELECT nonce FROM jobs").get() as { nonce: string }).nonce, "");
  });
});
