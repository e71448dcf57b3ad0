import * as assert from "uvu/assert";
import type { OwnSample } from "#shared/messages/metrics";
import { suite } from "../../test/suite.ts";
import { longestLine, readLine } from "./line.ts";

const now = Date.UTC(2026, 0, 1);

const good: readonly (readonly [line: string, sample: OwnSample])[] = [
  ["room temperature=21.5", { measurement: "room", tags: {}, values: { temperature: 21.5 } }],
  [
    "room,floor=2,side=north temperature=21.5,people=3i,open=t 1767225600123456789",
    {
      measurement: "room",
      tags: { floor: "2", side: "north" },
      values: { temperature: 21.5, people: 3, open: true },
      ts: 1_767_225_600_123,
    },
  ],
  [
    String.raw`my\ room,a\ name=x\,y\=z\ w,back=a\b light\ level=1`,
    { measurement: "my room", tags: { "a name": "x,y=z w", back: "a\\b" }, values: { "light level": 1 } },
  ],
  [
    String.raw`log text="say \"hi, you\" = \\ \n",other="" `,
    { measurement: "log", tags: {}, values: { text: String.raw`say "hi, you" = \ \n`, other: "" } },
  ],
  [
    "n a=-1,b=+2.5,c=.5,d=1e3,e=-1.5E-3,f=2.,g=7u,h=-7i,i=0",
    { measurement: "n", tags: {}, values: { a: -1, b: 2.5, c: 0.5, d: 1000, e: -0.0015, f: 2, g: 7, h: -7, i: 0 } },
  ],
  [
    "b a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE",
    {
      measurement: "b",
      tags: {},
      values: { a: true, b: true, c: true, d: true, e: true, f: false, g: false, h: false, i: false, j: false },
    },
  ],
  [
    "  room  temperature=1   1767225600000000000\r",
    { measurement: "room", tags: {}, values: { temperature: 1 }, ts: now },
  ],
  [
    'room temperature="2 rooms, one=two" 1767225600000000000',
    { measurement: "room", tags: {}, values: { temperature: "2 rooms, one=two" }, ts: now },
  ],
  ["room,city=Zürich temperature=1", { measurement: "room", tags: { city: "Zürich" }, values: { temperature: 1 } }],
  ['{"measurement":"room","values":{"temperature":21.5}}', { measurement: "room", values: { temperature: 21.5 } }],
  [
    '{"measurement":"room","tags":{"floor":"2"},"values":{"open":true,"note":"x"},"ts":1767225600123}',
    { measurement: "room", tags: { floor: "2" }, values: { open: true, note: "x" }, ts: 1_767_225_600_123 },
  ],
];

const bad: readonly (readonly [line: string, why: RegExp])[] = [
  ["room", /expected a space before the fields.* at column 5, got the end of the line/],
  ["room temperature", /expected "=" after the field "temperature" at column 17, got the end/],
  ["room temperature=", /expected a field's value at column 18/],
  [
    "room temperature=warm",
    /"warm" is no field value: expected a number .*, true or false, or a string in double quotes/,
  ],
  ["room temperature=1.2.3", /"1.2.3" is no field value/],
  ["room temperature=NaN", /"NaN" is no field value/],
  ["room temperature=1e999", /values.temperature: .*number/],
  ["room temperature=5x", /"5x" is no field value/],
  ["room temperature=1.5i", /"1.5i" is no field value/],
  ['room note="open', /expected the closing " of a string/],
  ['room note="a"b', /expected a comma or a space after a field at column 14, got "b"/],
  ["room temperature=1,", /expected a field's name at column 20/],
  ["room temperature=1,temperature=2", /the field "temperature" stands twice/],
  ["room,floor=1,floor=2 temperature=1", /the tag "floor" stands twice/],
  ["room,floor temperature=1", /expected "=" after the tag "floor" at column 11, got " temperature=1"/],
  ["room,floor= temperature=1", /expected the tag's value at column 12/],
  ["room,floor=a=b temperature=1", /expected a space before the fields/],
  [",floor=1 temperature=1", /expected the measurement at column 1/],
  ["room temperature=1 yesterday", /"yesterday" is no time: expected nanoseconds/],
  ["room temperature=1 -5", /"-5" is no time/],
  [
    "room temperature=1 1767225600",
    /its time would be 1970-.* expected a past one, in milliseconds .*"ts" in JSON, in nanoseconds/,
  ],
  ["room temperature=1 1767225600123", /its time would be 1970/],
  ["röom temperature=1", /measurement: expected a name of 1 to 128 letters/],
  ["room temp\u0001erature=1", /temp.*name/],
  ["room,floor=a\u0001b temperature=1", /tags.floor: expected no control character/],
  [`room note="${"x".repeat(1_025)}"`, /values.note/],
  [`room note="${"x".repeat(longestLine)}"`, /expected at most 32768 characters/],
  ['{"measurement":"room"', /begins like JSON and is none/],
  ['{"measurement":"room","values":{}}', /expected at least one field/],
  ['{"measurement":"room","values":{"a":null}}', /values.a: expected a number, a string or a boolean/],
  ['{"measurement":"room","tag":{"a":"b"},"values":{"a":1}}', /Unrecognized key: "tag"/],
  ['{"measurement":"room","values":{"a":1},"ts":1767225600}', /its time would be 1970-01-21/],
  ['{"measurement":"room","values":{"a":1},"ts":1767225600123456}', /its time would be \+057/],
  [`room temperature=1 ${now + 3_600_000}000000`, /its time would be 2026-01-01T01:00:00.000Z: expected a past one/],
];

suite("lines of programs beside the agent", ({ test }) => {
  for (const [line, sample] of good) test(`are read: ${line}`, () => assert.equal(readLine(line, now), sample));

  for (const [line, why] of bad) {
    test(`are refused with a reason: ${line.slice(0, 60)}`, () => {
      assert.throws(
        () => readLine(line, now),
        (error: Error) => error.name === "BadInputError" && why.test(error.message),
      );
    });
  }

  test("that are empty or comments say nothing", () => {
    for (const line of ["", "   ", "\r", "# a comment", "  # another, a=1"]) assert.is(readLine(line, now), undefined);
  });

  test("may have any time where the machine's own clock is not set, and run ahead of a set one a little", () => {
    assert.is(readLine("room temperature=1 60000000000", 61_000)?.ts, 60_000);
    assert.is(readLine("room temperature=1 1767225600000000000", 61_000)?.ts, now);
    assert.is(readLine(`room temperature=1 ${now + 60_000}000000`, now)?.ts, now + 60_000);
  });

  test("reach no prototype by the names they choose", () => {
    for (const line of ["__proto__ __proto__=1,a=1", '{"measurement":"m","values":{"__proto__":1,"a":1}}']) {
      assert.is(Object.getPrototypeOf(readLine(line, now)?.values), Object.prototype);
    }
  });
});
