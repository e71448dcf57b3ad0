import * as assert from "uvu/assert";
import { suite } from "../test/suite.ts";
import { parseSort, sortRows, tableCsv, type TableRow } from "./fleet-table.ts";

const columns = ["id", "load", "disk"];
const rows: readonly TableRow[] = [
  ["d10", 2, [10, 95]],
  ["d9", null, [20]],
  ["d1", 10, null],
  ["=x", 0.5, ["a,b", true]],
];

suite("the fleet's table", ({ test }) => {
  test("is sorted as people count, and what is not known comes last", () => {
    const order = (sort: string): unknown[] => sortRows(columns, rows, parseSort(sort)).map(([id]) => id);
    assert.equal(order("id"), ["=x", "d1", "d9", "d10"]);
    assert.equal(order("-id"), ["d10", "d9", "d1", "=x"]);
    assert.equal(order("load"), ["=x", "d10", "d1", "d9"]);
    assert.equal(order("-load"), ["d1", "d10", "=x", "d9"]);
    assert.equal(order("-disk").slice(-1), ["d1"]);
    assert.throws(() => order("lod"), /no column "lod"; there are id, load, disk/);
  });

  test("is CSV in which nothing is a formula", () => {
    assert.is(tableCsv(columns, rows), 'id,load,disk\r\nd10,2,10 95\r\nd9,,20\r\nd1,10,\r\n\'=x,0.5,"a,b true"\r\n');
    const numbers: TableRow[] = [
      ["a", [10, 95], "x"],
      ["b", null, "y"],
      ["c", 20, "z"],
    ];
    assert.is(
      tableCsv(["id", "disk", "os"], numbers),
      "id,disk,disk 2,os\r\na,95,10,x\r\nb,,,y\r\nc,20,,z\r\n",
      "a number in each cell",
    );
  });
});
