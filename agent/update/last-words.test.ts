import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { lastWords, maxSaidLineLength, maxSaidLines, tellingLine } from "./last-words.ts";

const crash = `${"x".repeat(5_000)}
         ^

TypeError: Cannot read properties of null (reading 'x')
    at Object.<anonymous> (/opt/versions/v2.cjs:1:6)
    at node:internal/main/run_main_module:28:49

Node.js v20.20.2
`;

suite("what a version said at last", ({ test }) => {
  test("the line that says most is that of the error", () => {
    for (const [text, line] of [
      [crash, "TypeError: Cannot read properties of null (reading 'x')"],
      ["muster: Error: no\n    at x\n", "muster: Error: no"],
      ["sh: 1: v2: Exec format error\n", "sh: 1: v2: Exec format error"],
      ["one\ntwo\n\n", "two"],
      ["    at x\nNode.js v20.20.2\n", undefined],
      ["", undefined],
    ] as const)
      assert.is(tellingLine(lastWords(text)), line);
  });

  test("it is so many lines of such a length at most, and nothing in them is obeyed", () => {
    const many = lastWords(Array.from({ length: maxSaidLines + 1 }, (_, at) => `line ${at}`).join("\n"));
    assert.equal([many.length, many[0]], [maxSaidLines, "line 1"]);
    const edge = "y".repeat(maxSaidLineLength);
    assert.equal(lastWords(`${edge}\n${edge}y`), [edge, `${edge}… (1 more)`]);
    assert.equal(lastWords("\u001b[2J\r\u202egone\u0000\nmqtt://me:hidden@broker"), ["�[2J��gone�", "mqtt://…@broker"]);
  });
});
