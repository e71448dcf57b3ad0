import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import { BackupSearch, maxSearched } from "./newest-backup.ts";

suite("the newest backup", ({ test }) => {
  test("is found in the audit log, and among its newest entries alone", async (scope) => {
    const { audit, database, close } = await (async () => {
      const state = openState(await scope.directory(), systemClock, silentLog);
      return { audit: state.audit, database: state.database, close: () => state.close() };
    })();
    scope.cleanup(close);
    const search = new BackupSearch(database);
    assert.is(search.read(), null);
    const note = (file: string): unknown =>
      audit.record({ who: "ann", from: "cli", what: "data.backed-up", on: file, detail: {} });
    note("a.tar");
    audit.record({ who: "ann", from: "cli", what: "login.ok", on: "" });
    assert.equal([search.read()?.file, search.read()?.by], ["a.tar", "ann"]);
    note("b.tar");
    assert.is(search.read()?.file, "b.tar");
    assert.is(new BackupSearch(database).read()?.file, "b.tar");
    // As it is when the log has gone on by as many entries.
    database.exec(`UPDATE audit SET n = n + ${maxSearched} WHERE n = (SELECT max(n) FROM audit)`);
    database.exec(`UPDATE audit SET what = 'login.ok' WHERE n = (SELECT max(n) FROM audit)`);
    assert.is(new BackupSearch(database).read(), null);
  });
});
