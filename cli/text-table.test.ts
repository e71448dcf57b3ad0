import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { maxCellLength, shortened, table } from "./text-table.ts";

suite("a table of the command line", ({ test }) => {
  test("has one line for each row and one column for each cell, whatever stands in them", () => {
    const evil = "x\r\nrpi-9     online\u2028\u001b[2J\t\t99 %";
    const lines = table(
      ["DEVICE", "AGENT", ""],
      [
        ["rpi-7", evil, evil],
        ["rpi-8", "1.0", ""],
      ],
    ).split("\n");
    assert.equal(lines, ["DEVICE  AGENT", "rpi-7   x↵rpi-9 online↵�[2J 99 %  x↵rpi-9 online↵�[2J 99 %", "rpi-8   1.0"]);
  });

  test("says what it leaves out of a cell", () => {
    const row = (length: number): string => table(["A"], [["x".repeat(length)]]).split("\n")[1] ?? "";
    assert.is(row(maxCellLength), "x".repeat(maxCellLength));
    assert.is(row(maxCellLength + 7), `${"x".repeat(maxCellLength)}… (7 more)`);
  });

  test("what is cut says so", () => {
    assert.equal(
      ["abc", "abcd", "abcde", ""].map((text) => shortened(text, 4)),
      ["abc", "abcd", "abc…", ""],
    );
  });
});
