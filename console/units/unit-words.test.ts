import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import { openState } from "../state/state.ts";
import { suite, type Scope } from "../../test/suite.ts";
import { parseScope } from "../configuration/scope.ts";
import { knownMeasurements } from "./known-measurements.ts";
import { maxUnitWords, UnitWords, type UnitWord } from "./unit-words.ts";

async function place(scope: Scope, directory?: string) {
  const state = openState(directory ?? (await scope.directory()), systemClock);
  scope.cleanup(() => state.close());
  const groups: Record<string, string[]> = { d1: ["lab", "attic"] };
  const words = new UnitWords(state.database, (device) => groups[device] ?? []);
  const say = (whose: string, said: Partial<UnitWord>): void => {
    const target = parseScope(whose);
    if (!target) throw new Error(whose);
    const word = { measurement: "room", field: "t", unit: null, title: null, by: "ann", ts: 1, ...said };
    words.put({ ...word, scope: target })();
  };
  const unitOf = (device: string): string | undefined =>
    knownMeasurements(undefined, words.of(device))["room"]?.fields["t"]?.unit;
  return { state, words, say, unitOf };
}

suite("what people call fields", ({ test }) => {
  test("a device's own word counts before its groups', those before everybody's, and each is taken back", async (scope) => {
    const { state, say, unitOf } = await place(scope);
    assert.is(unitOf("d1"), undefined);
    say("default", { unit: "K" });
    assert.equal([unitOf("d1"), unitOf("d2")], ["K", "K"]);
    say("group:attic", { unit: "°R" });
    say("group:lab", { unit: "°F" });
    say("group:other", { unit: "x" });
    assert.equal([unitOf("d1"), unitOf("d2")], ["°F", "K"]);
    say("device:d1", { unit: "" });
    assert.is(unitOf("d1"), "", "a plain number");
    say("device:d1", {});
    assert.is(unitOf("d1"), "°F");
    say("device:d1", { unit: "°C" });
    const { unitOf: later, words } = await place(scope, state.directory);
    assert.is(later("d1"), "°C", "kept");
    words.erase("d1" as DeviceId);
    assert.is(later("d1"), "°F");
    const rows = state.database.prepare("SELECT field FROM unit_words WHERE scope = 'device:d1'").all();
    assert.is(rows.length, 0);
  });

  test("they come before what the device says, and leave the rest of it", async () => {
    const described = {
      room: { title: "Room", fields: { t: { unit: "°C", title: "Inside", max: 40 }, h: { unit: "%" } } },
    };
    const word = { scope: { kind: "default", name: "" }, by: "ann", ts: 1, title: null } as const;
    const known = knownMeasurements(described, [
      { ...word, measurement: "room", field: "t", unit: "°F" },
      { ...word, measurement: "tank", field: "level", unit: null, title: "Level" },
      { ...word, measurement: "toString", field: "valueOf", unit: "V" },
    ]);
    assert.equal(known, {
      room: { title: "Room", fields: { t: { unit: "°F", title: "Inside", max: 40, by: "ann" }, h: { unit: "%" } } },
      tank: { fields: { level: { title: "Level", by: "ann" } } },
      toString: { fields: { valueOf: { unit: "V", by: "ann" } } },
    });
    assert.is(described.room.fields.t.unit, "°C");
  });

  test(`there are ${maxUnitWords} at most; another word for one that has one is always taken`, async (scope) => {
    const { say, words } = await place(scope);
    for (let at = 0; at < maxUnitWords; at++) say("default", { field: `f${at}`, unit: "x" });
    assert.throws(
      () => say("default", { field: "one-more", unit: "x" }),
      /2000 fields have a unit or title from people/,
    );
    say("default", { field: "f0", unit: "y" });
    say("default", { field: "f1" });
    say("default", { field: "one-more", unit: "x" });
    assert.is(words.list().length, maxUnitWords);
  });

  test("a row that does not read is set aside, and the others count", async (scope) => {
    const { state, say } = await place(scope);
    say("default", { unit: "K" });
    const insert = state.database.prepare("INSERT INTO unit_words VALUES (?, ?, ?, ?, ?, ?, ?)");
    insert.run("default", "room", "long", "u".repeat(17), null, "ann", 1);
    insert.run("nobody", "room", "t", "K", null, "ann", 1);
    const words = new UnitWords(state.database, () => []);
    assert.equal(
      words.list().map(({ field }) => field),
      ["t"],
    );
    assert.is(state.damage.list(10).length, 2);
  });
});
