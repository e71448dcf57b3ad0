import * as assert from "uvu/assert";
import { parseFieldTypes } from "#shared/field-type";
import { suite } from "../test/suite.ts";

suite("declared field types", ({ test }) => {
  test("pairs with commas between; names may have dots and spaces", () => {
    assert.equal(
      [...parseFieldTypes("counter.n=integer, room.window=string,a.b c.d=float,x.=y=boolean")],
      [
        ["counter.n", "integer"],
        ["room.window", "string"],
        ["a.b c.d", "float"],
        ["x.=y", "boolean"],
      ],
    );
  });

  test("what is none is named", () => {
    for (const text of ["counter=integer", "counter.n", "counter.n=int", ".n=float", "counter.=float", "a.b=float,"])
      assert.throws(() => parseFieldTypes(text), /expected MEASUREMENT\.FIELD=TYPE .*; got ".*"/, text);
  });
});
