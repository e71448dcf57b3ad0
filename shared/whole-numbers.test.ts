import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { readReply, readTask } from "#shared/messages/command-messages";
import { bigAsText, isExact, largeAsText } from "#shared/whole-numbers";

const reply = (result: string): Buffer => Buffer.from(`{"id":"1","ts":1,"state":"succeeded","result":${result}}`);

suite("whole numbers beyond 2^53", ({ test }) => {
  test("they are told from those that a double holds", () => {
    for (const exact of [
      0,
      -1,
      9007199254740991,
      -9007199254740991,
      0.1,
      1e21,
      -1e300,
      "9007199254740993",
      null,
      [[1]],
    ])
      assert.ok(isExact(exact), String(exact));
    for (const changed of ["9007199254740993", "[[-9007199254740993]]", '{"a":{"b":18446744073709551615}}'])
      assert.not.ok(isExact(JSON.parse(changed)), changed);
    assert.not.ok(isExact(1n));
  });

  test("as text they keep every digit, and everything else stays as it is", () => {
    const kept = [
      ["9007199254740993", '"9007199254740993"'],
      ["[-9007199254740993,9007199254740991,1]", '["-9007199254740993",9007199254740991,1]'],
      ['{"a":18446744073709551615,"9007199254740993":"9007199254740993 \\" 9007199254740993"}', undefined],
      ["9007199254740993.5", "9007199254740993.5"],
      ["1234567890123456e5", "1234567890123456e5"],
      ["0.12345678901234567890", "0.12345678901234567890"],
    ] as const;
    for (const [from, to] of kept)
      assert.is(largeAsText(from), to ?? from.replace(":18446744073709551615", ':"18446744073709551615"'));
    assert.equal(bigAsText({ a: [1n, 2, Buffer.from("x")], b: null }), { a: ["1", 2, Buffer.from("x")], b: null });
  });

  test("a command's arguments with one are refused with what to do, a reply's are kept as text", () => {
    for (const payload of [
      Buffer.from('{"key":"k","args":{"n":9007199254740993}}'),
      // {"key": "k", "args": {"n": 9007199254740993}}
      Buffer.from("a2636b6579616b6461726773a1616e1b0020000000000001", "hex"),
    ])
      assert.throws(() => readTask(payload), /args: .*a whole number beyond 2\^53 .* send it as text/);
    const { value } = readReply(reply('{"n":[9007199254740993,1.5]}'));
    assert.equal(value.state === "succeeded" && value.result, { n: ["9007199254740993", 1.5] });
  });
});
