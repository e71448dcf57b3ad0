import * as assert from "uvu/assert";
import type { Json } from "#shared/messages/payload-schema";
import type { CommandDocument } from "#api/command-document";
import { suite } from "../../test/suite.ts";
import { readArguments, typedOf } from "./typed-arguments.ts";
import { formShape, type Field } from "./form-shape.ts";
import { consequenceOf, supersedes } from "./states.ts";

const object = (properties: object, required: string[] = []) => ({ type: "object", properties, required });

function only(property: object, required = false): Field {
  const shape = formShape(object({ it: property }, required ? ["it"] : []));
  assert.is(shape.kind, "fields");
  const [field] = shape.kind === "fields" ? shape.fields : [];
  if (!field) throw new Error("the schema gave no field");
  return field;
}

suite("web command form", ({ test }) => {
  test("has no inputs for a command without arguments", () => {
    for (const schema of [
      undefined,
      {},
      { type: "object" },
      object({}),
      { type: "object", additionalProperties: false },
    ]) {
      assert.equal(formShape(schema), { kind: "fields", fields: [] });
    }
  });

  test("makes an input of each plain property", () => {
    const common = { name: "it", title: "it", required: false, initial: "" };
    const cases: [object, object][] = [
      [
        { type: "number", minimum: 0.5, maximum: 2 },
        { ...common, kind: "number", integer: false, min: 0.5, max: 2 },
      ],
      [
        { type: "integer", exclusiveMinimum: 0, maximum: Number.MAX_SAFE_INTEGER },
        { ...common, kind: "number", integer: true, min: 1 },
      ],
      [
        { type: "integer", default: 10 },
        { ...common, kind: "number", integer: true, initial: "10" },
      ],
      [
        { type: "string", maxLength: 8, title: "Name" },
        { ...common, title: "Name", kind: "text", maxLength: 8 },
      ],
      [
        { type: "string", enum: ["a", "b"], default: "b" },
        { ...common, kind: "choice", options: ["a", "b"], initial: '"b"' },
      ],
      [{ const: 3 }, { ...common, kind: "choice", options: [3] }],
      [
        { type: "boolean", default: true },
        { ...common, kind: "switch", initial: true },
      ],
      [
        { type: "array", items: { type: "string" } },
        { ...common, kind: "json" },
      ],
      [
        { anyOf: [{ type: "string" }, { type: "null" }], default: null },
        { ...common, kind: "json", initial: "null" },
      ],
      [{ type: ["string", "null"] }, { ...common, kind: "json" }],
      [{ description: "anything" }, { ...common, kind: "json", description: "anything" }],
    ];
    for (const [schema, field] of cases) assert.equal(only(schema), field, JSON.stringify(schema));
  });

  test("marks what is required", () => {
    assert.is(only({ type: "string" }, true).required, true);
    assert.is(only({ const: "yes" }, true).initial, '"yes"');
  });

  test("is one JSON text for a schema that inputs cannot say", () => {
    for (const schema of [
      { type: "array" },
      { oneOf: [] },
      { $ref: "#/x" },
      { type: "object", additionalProperties: { type: "string" } },
    ]) {
      assert.equal(formShape(schema), { kind: "json" });
    }
  });
});

suite("web command arguments", ({ test }) => {
  const shape = formShape(
    object(
      {
        seconds: { type: "integer", minimum: 1, maximum: 60 },
        ratio: { type: "number" },
        name: { type: "string", minLength: 2, maxLength: 4 },
        mode: { enum: ["fast", 2] },
        force: { type: "boolean" },
        list: { type: "array" },
      },
      ["seconds"],
    ),
  );

  test("are read by kind, and what was left empty is left out", () => {
    const typed = { seconds: "5", ratio: "0.5", name: "abc", mode: "2", force: true, list: "[1]" };
    assert.equal(readArguments(shape, typed), {
      ok: true,
      args: { seconds: 5, ratio: 0.5, name: "abc", mode: 2, force: true, list: [1] },
    });
    assert.equal(readArguments(shape, { seconds: "5", ratio: " " }), { ok: true, args: { seconds: 5 } });
  });

  test("of before are what the form holds, and read as what they were", () => {
    for (const args of [
      { seconds: 5, ratio: 0.5, name: "abc", mode: 2, force: true, list: [1] },
      { seconds: 5, mode: "fast" },
    ] as Record<string, Json>[])
      assert.equal(readArguments(shape, typedOf(shape, args).typed), { ok: true, args });
    const json = { kind: "json" } as const;
    const args = { a: [1, "x"] };
    assert.equal(readArguments(json, typedOf(json, args).typed), { ok: true, args });
    assert.equal(typedOf(json, {}), { typed: {}, unknown: [] });
    const other = typedOf(shape, { seconds: "soon", gone: 1 });
    assert.equal(other.unknown, ["gone"]);
    assert.is(readArguments(shape, other.typed).ok, false);
    const preset = formShape(object({ seconds: { type: "integer", default: 10 } }));
    assert.equal(readArguments(preset, typedOf(preset, {}).typed), { ok: true, args: {} });
  });

  test("that do not fit are told of each by itself", () => {
    const result = readArguments(shape, { seconds: "90", ratio: "x", name: "abcde", list: "[" });
    if (result.ok) throw new Error("wrong arguments passed");
    assert.equal(Object.keys(result.problems), ["seconds", "ratio", "name", "list"]);
    assert.is(result.problems["seconds"], "Expected 60 or less.");
    const cases: [string, string][] = [
      ["", "This is required."],
      ["0", "Expected 1 or more."],
      ["1.5", "Expected a whole number."],
    ];
    for (const [seconds, problem] of cases)
      assert.equal(readArguments(shape, { seconds }), { ok: false, problems: { seconds: problem } });
  });

  test("of a JSON text are an object or nothing", () => {
    assert.equal(readArguments({ kind: "json" }, { "": "" }), { ok: true, args: {} });
    assert.equal(readArguments({ kind: "json" }, { "": '{"a":[1]}' }), { ok: true, args: { a: [1] } });
    for (const text of ["[1]", "null", "3", "{"])
      assert.is(readArguments({ kind: "json" }, { "": text }).ok, false, text);
  });
});

suite("web command states", ({ test }) => {
  const moment = { ts: 1, who: "device", what: "said so" } as const;
  const command = (state: CommandDocument["state"], moments: number): CommandDocument => ({
    id: "1",
    device: "a",
    key: "ping",
    args: {},
    by: "ann",
    ts: 1,
    timeout: null,
    expires: null,
    explain: "nothing to do",
    state,
    timeline: Array.from({ length: moments }, () => moment),
  });

  test("never go back, whichever of event and answer comes last", () => {
    assert.ok(supersedes(command("running", 3), command("queued", 1)));
    assert.ok(supersedes(command("running", 3), command("running", 3)));
    assert.not(supersedes(command("queued", 1), command("running", 3)));
    assert.not(supersedes(command("running", 3), command("succeeded", 4)));
    assert.ok(supersedes(command("succeeded", 2), command("running", 4)));
    assert.ok(supersedes(command("timed_out", 6), command("timed_out", 5)));
    const brief = { ...command("timed_out", 2), brief: true, steps: 6 };
    assert.not(supersedes(brief, command("timed_out", 6)));
    assert.ok(supersedes(brief, command("timed_out", 5)));
    assert.ok(supersedes(brief, brief));
    assert.ok(supersedes(command("timed_out", 6), brief));
  });

  test("ask before what cannot be undone, and not for a key that an object happens to have", () => {
    for (const key of ["shutdown", "restart", "reboot", "clear-outbox"]) assert.ok(consequenceOf(key), key);
    for (const key of ["ping", "constructor"]) assert.is(consequenceOf(key), undefined);
  });
});
