import * as assert from "uvu/assert";
import * as z from "zod/mini";
import { parseDeviceId } from "#shared/ids";
import type { Args } from "#shared/messages/command-messages";
import type { Json } from "#shared/messages/payload-schema";
import { maxCollectors, maxFacts, maxOffers, readStatus } from "#shared/messages/presence-messages";
import { suite } from "../../test/suite.ts";
import { misfit } from "./argument-check.ts";
import { checkOffered, exampleArgs } from "./offered.ts";
import { toCatalogue, uncheckedIn } from "../devices/command-catalogue.ts";
import {
  maxSchemaDepth,
  maxWordLength,
  maxAlternatives,
  maxSchemaNodes,
  flatSchemaOf,
} from "../devices/flat-schema.ts";

type Schema = Record<string, Json>;
const object = (properties: Record<string, Json>, more: Schema = {}): Schema => ({
  type: "object",
  properties,
  ...more,
});
const reasonOf = (schema: Schema): string => toCatalogue({ it: { args: schema } })["it"]?.unchecked ?? "";
const device = parseDeviceId("rpi-7");

/** Levels of which each names the next one twice: 2^levels paths in a few bytes each. */
function doubling(levels: number, word: string, salt: number): Schema {
  const defs = Array.from({ length: levels }, (_, level): [string, Json] => [
    `l${level}`,
    { [word]: [{ $ref: `#/$defs/l${level + 1}` }, { $ref: `#/$defs/l${level + 1}` }], title: String(salt) },
  ]);
  return {
    ...object({ a: { $ref: "#/$defs/l0" } }),
    $defs: Object.fromEntries([...defs, [`l${levels}`, { type: "null" }]]),
  };
}

/** The same value, with every look at one of its properties counted. */
function counted(value: Json, count: () => void): Json {
  if (typeof value !== "object" || value === null) return value;
  return new Proxy(value, {
    get(target, name, receiver) {
      count();
      return counted(Reflect.get(target, name, receiver) as Json, count);
    },
  });
}

suite("argument schemas of devices", ({ test }) => {
  test("one whose levels double is left to the device, at the cost of a few looks; a bare ping beside it is taken", () => {
    for (let trial = 0; trial < 500; trial += 1) {
      const word = ["anyOf", "oneOf", "allOf"][trial % 3] ?? "";
      let looks = 0;
      const schema = counted(doubling(10 + (trial % 30), word, trial), () => (looks += 1)) as Schema;
      const offers = toCatalogue({ ping: {}, bomb: { args: schema } });
      checkOffered(device, offers, { device, key: "ping" });
      checkOffered(device, offers, { device, key: "bomb", args: { a: null } });
      assert.match(uncheckedIn(offers) ?? "", /^"bomb": .*checked by the device alone.* uses \$(defs|ref)/);
      assert.ok(looks < maxSchemaNodes, `${looks} looks`);
    }
  });

  test("levels that double without references are counted", () => {
    let schema: Schema = { type: "string" };
    for (let level = 0; level < 12; level += 1) schema = { items: schema, additionalProperties: schema };
    assert.match(reasonOf({ type: "object", ...schema }), /nested deeper than/);
    const wide = Object.fromEntries(
      Array.from({ length: 20 }, (_, at) => [`p${at}`, object({ a: {}, b: {}, c: {}, d: {}, e: {}, f: {} })]),
    );
    assert.match(reasonOf(object(wide)), new RegExp(`more than ${maxSchemaNodes} parts`));
  });

  test("the bounds hold at their edge, and a reason is given beyond it", () => {
    const choices = (count: number): Schema => object({ a: { enum: Array.from({ length: count }, (_, at) => at) } });
    const deep = (levels: number): Schema => (levels === 1 ? { type: "object" } : object({ a: deep(levels - 1) }));
    const either = (count: number): Schema =>
      object({ a: { anyOf: Array.from({ length: count }, () => ({ type: "null" })) } });
    const titled = (count: number): Schema => object({ a: { title: "t".repeat(count) } });
    // The root, its one name, and the property itself are counted too.
    const cases: [(size: number) => Schema, number, RegExp][] = [
      [choices, maxSchemaNodes - 3, /more than 256 parts/],
      [deep, maxSchemaDepth, /"a\.a\.a\.a" is nested deeper than 4/],
      [either, maxAlternatives, /"a" has more than 8 alternatives/],
      [titled, maxWordLength, /"a" has a title that is no text of up to 500/],
    ];
    for (const [make, most, reason] of cases) {
      assert.is(reasonOf(make(most)), "");
      assert.match(reasonOf(make(most + 1)), reason);
    }
  });

  test("what cannot be said flatly is refused whole, with its place", () => {
    const cases: [Schema, RegExp][] = [
      [object({ a: { not: {} } }), /"a" uses not/],
      [{ ...object({}), patternProperties: { "(a+)+$": {} } }, /it uses patternProperties/],
      [object({ a: { items: [{}, {}] } }), /"a\[\]" is no schema/],
      [object({ a: { anyOf: [object({ b: {} })] } }), /"a" is an alternative with parts/],
      [object({ a: { type: "text" } }), /"a" has a type/],
      [object({ a: { minimum: "1" } }), /"a" has a minimum/],
      [object({ a: { maxLength: -1 } }), /"a" has a maxLength/],
      [object({ a: { enum: [{}] } }), /"a" chooses among other things/],
      [{ type: "string" }, /arguments are an object/],
      [JSON.parse('{"type":"object","properties":{"__proto__":{}}}') as Schema, /name that cannot be taken/],
      [object({ "a\u001b[2J": { $ref: "#" } }), /"a\\u001b\[2J" uses \$ref/],
    ];
    for (const [schema, reason] of cases) assert.match(reasonOf(schema), reason);
  });

  test("what zod says of a handler's arguments is taken, except references and unions of objects", () => {
    const plain = z.object({
      seconds: z.number().check(z.gte(0.1), z.lte(86_400)),
      count: z.int().check(z.positive()),
      name: z.enum(["a", "b"]),
      note: z.nullable(z.string().check(z.maxLength(5), z.regex(/^x/))),
      tags: z.optional(z.array(z.string())),
      map: z.optional(z.record(z.string(), z.number())),
      more: z.optional(z.object({ on: z.boolean() })),
      either: z.optional(z.union([z.string(), z.number()])),
    });
    const schema = flatSchemaOf(z.toJSONSchema(plain, { io: "input" }) as Schema);
    const good: Args = { seconds: 1, count: 1, name: "a", note: null, tags: ["t"], map: { x: 1 }, more: { on: true } };
    assert.is(misfit(schema, good), undefined);
    const cases: [Args, string][] = [
      [{ ...good, seconds: "1" }, "seconds: expected number, got string"],
      [{ ...good, seconds: 0 }, "seconds: too small: expected 0.1 or more, got 0"],
      [{ ...good, seconds: 1e9 }, "seconds: too big: expected 86400 or less, got 1000000000"],
      [{ ...good, count: 1.5 }, "count: expected integer, got number"],
      [{ ...good, name: "c" }, 'name: expected one of "a", "b"'],
      [{ ...good, note: 3 }, "note: fits none of its alternatives (string, null), got number"],
      [{ ...good, tags: ["a", 1] }, "tags.1: expected string, got number"],
      [{ ...good, map: { x: "1" } }, "map.x: expected number, got string"],
      [{ ...good, more: { on: 1, off: 2 } }, 'more.on: expected boolean, got number; more: unrecognized key "off"'],
      [{ ...good, either: true }, "either: expected string or number, got boolean"],
      [{ ...good, minutes: 1, hours: 2 }, 'unrecognized keys "minutes", "hours"'],
      [
        {},
        "seconds: expected number, got nothing; count: expected integer, got nothing; name: expected string, got nothing; and 1 more",
      ],
    ];
    for (const [args, reason] of cases) assert.is(misfit(schema, args), reason);
  });

  test("numbers and lengths are judged as JSON Schema judges them", () => {
    const cases: [Schema, Json, boolean][] = [
      [{ multipleOf: 0.1 }, 0.3, true],
      [{ multipleOf: 5 }, 3, false],
      [{ exclusiveMinimum: 0 }, 0, false],
      [{ exclusiveMaximum: 1 }, 0.9, true],
      [{ type: "string", minLength: 1, maxLength: 1 }, "😀", true],
      [{ type: "array", minItems: 1 }, [], false],
      [{ type: ["string", "null"] }, null, true],
      [{ type: "integer" }, 5, true],
      [{ type: "number" }, "5", false],
      [{ const: "x" }, "y", false],
      [{ additionalProperties: false }, { a: 1 }, false],
      [{ required: ["a"] }, { a: 1 }, true],
      [{ required: ["a"] }, {}, false],
    ];
    for (const [schema, value, fits] of cases)
      assert.is(
        misfit(flatSchemaOf(object({ it: schema })), { it: value }) === undefined,
        fits,
        JSON.stringify(schema),
      );
  });

  test("an example holds no text of the device's", () => {
    const hostile = "'; touch /tmp/owned; '";
    const schema = flatSchemaOf(
      object(
        {
          a: { type: "string", default: hostile },
          b: { enum: [hostile, 3] },
          c: { const: hostile, type: "string" },
          d: { type: "number", minimum: 0.1 },
          [hostile]: { type: "number" },
          e: { type: "boolean", title: hostile, description: hostile },
        },
        { required: ["a", "b", "c", "d", hostile, "e"] },
      ),
    );
    assert.equal(exampleArgs(schema), { a: "…", b: 3, c: "…", d: 1, e: true });
  });

  test("a birth has bounds of its own", () => {
    const birth = (more: object): Buffer =>
      Buffer.from(JSON.stringify({ v: 1, online: true, boot: "b", session: "s", ...more }));
    const entries = (count: number, value: Json): object =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, value]));
    const cases: [string, number, Json][] = [
      ["commands", maxOffers, {}],
      ["collectors", maxCollectors, true],
      ["facts", maxFacts, 1],
    ];
    for (const [name, most, value] of cases) {
      assert.ok(readStatus(birth({ [name]: entries(most, value) })).online);
      assert.throws(
        () => readStatus(birth({ [name]: entries(most + 1, value) })),
        new RegExp(`${name}.*at most ${most} entries`),
      );
    }
  });
});
