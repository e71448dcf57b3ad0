import * as assert from "uvu/assert";
import { maxTextLength, type OwnSample } from "#shared/messages/simple";
import { suite } from "../../test/suite.ts";
import { maxProtocolLineLength, readLine } from "./protocol-line.ts";

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
  ...["1767225600", "1767225600000", "1767225600000999", "1767225600000999999"].map(
    (time) =>
      [`room temperature=1 ${time}`, { measurement: "room", tags: {}, values: { temperature: 1 }, ts: now }] as const,
  ),
  ...["1767225600", "1767225600000", "1767225600000999", "1767225600000123456", '"2026-01-01T01:00:00+01:00"'].map(
    (time) =>
      [
        `{"measurement":"room","values":{"a":1},"ts":${time}}`,
        { measurement: "room", values: { a: 1 }, ts: now },
      ] as const,
  ),
  [
    String.raw`Küche\ &\ Bad,_raum=1 Wärme=1,a\ *b=2`,
    { measurement: "Küche & Bad", tags: { _raum: "1" }, values: { Wärme: 1, "a *b": 2 } },
  ],
  [
    '{"measurement":"plug","values":{"ENERGY":{"Power":[1,null,3],"Total":0.5},"off":null}}',
    { measurement: "plug", values: { ENERGY_Total: 0.5, ENERGY_Power_0: 1, ENERGY_Power_2: 3 } },
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
  ["room temperature=1e999", /expected at least one field with a value; temperature is not finite/],
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
  ["room temperature=1 yesterday", /"yesterday" is no time: expected a whole number of nanoseconds/],
  ["room temperature=1 -5", /"-5" is no time/],
  [
    "room temperature=1 17672256",
    /its time would be 1970-.* expected a time since 1970 in seconds \(10 digits\), milli/,
  ],
  ["room temperature=1 176722560012", /its time would be 1970/],
  ["ro\u0001om temperature=1", /measurement: expected a name of 1 to 128 characters/],
  ['{"measurement":"#room","values":{"a":1}}', /measurement: expected a name .* no # at the beginning/],
  ["room temp\u0001erature=1", /expected at least one field .* is an unfit name: 1/],
  ["room,floor=a\u0001b temperature=1", /tags.floor: expected no control character/],
  [`room note="${"x".repeat(maxTextLength + 1)}"`, /note is a long text/],
  ['{"measurement":"room","values":{"note":"a\\u0000"}}', /note is a garbled text/],
  [`room note="${"x".repeat(maxProtocolLineLength)}"`, /expected at most 32768 characters/],
  ['{"measurement":"room"', /begins like JSON and is none/],
  ['{"measurement":"room","values":{}}', /expected at least one field/],
  ['{"measurement":"room","values":{"a":null}}', /expected at least one field with a value$/],
  ['{"measurement":"room","tag":{"a":"b"},"values":{"a":1}}', /Unrecognized key: "tag"/],
  ['{"measurement":"room","values":{"a":1},"ts":17672256}', /its time would be 1970-01-01/],
  ['{"measurement":"room","values":{"a":1},"ts":17672256001234}', /ts: expected a time .*; got 17672256001234$/],
  ['{"measurement":"room","values":{"a":1},"ts":"2026-01-01T01:00:00"}', /ts: expected a time .* text with its zone/],
  [`room temperature=1 ${now + 3_600_000}000000`, /its time would be 2026-01-01T01:00:00.000Z, which is not past/],
];

suite("lines of programs beside the agent", ({ test }) => {
  for (const [line, sample] of good) test(`are read: ${line}`, () => assert.equal(readLine(line, now), { sample }));

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
    assert.is(readLine("room temperature=1 60000000000", 61_000)?.sample.ts, 60_000);
    assert.is(readLine("room temperature=1 1767225600000", 3_000_000)?.sample.ts, 1_767_225);
    assert.is(readLine("room temperature=1 1767225600000000000", 61_000)?.sample.ts, now);
    assert.is(readLine(`room temperature=1 ${now + 60_000}000000`, now)?.sample.ts, now + 60_000);
  });

  test("leave out alone what cannot be stored, and say so", () => {
    const read = readLine('{"measurement":"room","values":{"a":1,"list":["x"],"note":"","b\\u0000":2}}', now);
    assert.equal(read?.sample.values, { a: 1, note: "" });
    assert.is(read?.odd, 'left out list (a list: ["x"]), and 1 more; the rest of the line is taken');
  });

  test("reach no prototype by the names they choose", () => {
    for (const line of [
      "m __proto__=1,a=1",
      "m,__proto__=x a=1",
      '{"measurement":"m","values":{"__proto__":1,"a":1}}',
    ]) {
      assert.is(Object.getPrototypeOf(readLine(line, now)?.sample.values), Object.prototype);
    }
  });
});
