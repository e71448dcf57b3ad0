import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { suite } from "../../test/suite.ts";
import { openState } from "../state/state.ts";
import type { AuditEvent } from "./entry.ts";
import { entriesAfter, maxLookedAt, search, type AuditQuery } from "./search.ts";

const events: readonly AuditEvent[] = [
  { who: "ada", from: "192.0.2.1", what: "device.enrolled", on: "rpi-7" },
  { who: "ada", from: "192.0.2.1", what: "device.removed", on: "rpi-8", detail: { why: "50%_off" } },
  { who: "rpi-7", from: "mqtt", what: "command.ended", on: "rpi-7", result: "failed: BROKEN" },
  { who: "olga", from: "cli", what: "devices.moved", on: "lab" },
];

suite("search in the audit log", ({ test }) => {
  const cases: readonly (readonly [query: AuditQuery, found: readonly number[]])[] = [
    [{}, [4, 3, 2, 1]],
    [{ who: "ada" }, [2, 1]],
    [{ what: "device" }, [2, 1]],
    [{ what: "device.removed" }, [2]],
    [{ device: "rpi-7" }, [3, 1]],
    [{ text: "broken" }, [3]],
    [{ text: "%_" }, [2]],
    [{ text: "_ff" }, []],
    [{ since: 1_001, until: 1_002 }, [3, 2]],
    [{ who: "ada", device: "rpi-7" }, [1]],
    [{ who: "' OR 1=1 --" }, []],
  ];
  test("each part of a question takes its own away", async (scope) => {
    const clock = new ManualClock(1_000);
    const state = openState(await scope.directory(), clock);
    scope.cleanup(() => state.close());
    const { audit, database } = state;
    for (const event of events) {
      audit.record(event);
      clock.advance(1);
    }
    for (const [query, found] of cases) {
      const numbers = [...search(database, query)].map((entry) => entry?.n);
      assert.equal(numbers, found, JSON.stringify(query));
    }
    assert.equal(
      [...search(database, {}, 3)].map((entry) => entry?.n),
      [2, 1],
    );
    assert.equal(
      [...entriesAfter(database, 2)].map((entry) => entry?.n),
      [3, 4],
    );
  });

  test("a part of a long log in which there is nothing takes a turn of its own", async (scope) => {
    const state = openState(await scope.directory(), new ManualClock());
    scope.cleanup(() => state.close());
    const { audit, database } = state;
    database.exec("BEGIN");
    const [first, ...others] = Array.from({ length: 2 * maxLookedAt + 1 }, (_, at) => `d${at}`);
    for (const on of [first, ...others]) audit.record({ who: "ada", from: "cli", what: "device.enrolled", on });
    database.exec("COMMIT");
    const turns = [...search(database, { device: first })].map((entry) => entry?.n);
    assert.equal(turns, [undefined, undefined, 1]);
    assert.is([...entriesAfter(database)].length, others.length + 1);
  });
});
