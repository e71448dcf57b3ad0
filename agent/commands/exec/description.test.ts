import * as assert from "uvu/assert";
import { check, type Json } from "#shared/messages/payload-schema";
import { suite } from "../../../test/suite.ts";
import { offersOf } from "../../presence.ts";
import { readDescription } from "./description.ts";

const address = { type: "object", properties: { zip: { type: "string" } }, required: ["zip"] };
const args = {
  type: "object",
  title: "Backup",
  description: "What to keep",
  properties: {
    mode: { type: "string", enum: ["full", "quick"], title: "Mode", description: "How much" },
    keep: { type: "integer", minimum: 1, maximum: 9, default: 3 },
    share: { type: "number", minimum: 0, exclusiveMaximum: 2, multipleOf: 0.5 },
    label: { type: "string", minLength: 1, maxLength: 5, pattern: "^[a-z]+$", examples: ["abc"] },
    hosts: { type: "array", items: { type: "string" }, minItems: 1, maxItems: 3 },
    dry: { type: "boolean", default: false },
    address,
  },
  required: ["mode", "label"],
  additionalProperties: false,
};

/** The announced schema of a described one. */
async function roundTrip(described: object): Promise<unknown> {
  const description = await readDescription(JSON.stringify({ args: described }));
  return offersOf(new Map([["exec:it", { ...description, run() {} }]]))["exec:it"]?.args;
}

suite("executables: descriptions", ({ test }) => {
  test("a schema is announced as it was described: types, bounds, titles, defaults, what is required", async () => {
    const expected: Record<string, unknown> = structuredClone(args);
    const properties = expected["properties"] as Record<string, object>;
    properties["address"] = { ...address, additionalProperties: {} };
    assert.equal(await roundTrip(args), expected);
  });

  test("what is announced is a fixed point: the console that reads it as a schema announces the same", async () => {
    const once = await roundTrip(args);
    assert.equal(await roundTrip(once as object), once);
  });

  test("a schema is checked, with the place named, and fills in defaults", async () => {
    const { args: schema } = await readDescription(JSON.stringify({ args }));
    assert.equal(check(schema!, { mode: "full", label: "abc" }, "args"), {
      mode: "full",
      label: "abc",
      keep: 3,
      dry: false,
    });
    const wrong: readonly (readonly [Record<string, Json>, RegExp])[] = [
      [{ label: "abc" }, /args is not valid: mode: .*"full"\|"quick"/],
      [{ mode: "full", label: "ABC" }, /label: .*pattern/],
      [{ mode: "full", label: "abc", keep: 1.5 }, /keep: .*expected int/],
      [{ mode: "full", label: "abc", keep: 10 }, /keep: Too big/],
      [{ mode: "full", label: "abc", other: 1 }, /Unrecognized key: "other"/],
      [{ mode: "full", label: "abc", address: {} }, /address\.zip/],
    ];
    for (const [given, message] of wrong) assert.throws(() => check(schema!, given, "args"), message);
  });

  test("without a timeout it has a minute", async () => {
    assert.is((await readDescription("{}")).timeout, 60_000);
    assert.is((await readDescription('{"timeout":"1h30m"}')).timeout, 5_400_000);
    assert.is((await readDescription('{"timeout":250}')).timeout, 250);
  });
});
