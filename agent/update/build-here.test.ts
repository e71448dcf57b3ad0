import { createHash } from "node:crypto";
import { statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { buildHere } from "./agent-versions.ts";

const idOf = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 16);

suite("which file runs here", ({ test }) => {
  test("it is hashed once, and again where it is another one or what was written down does not read", async (scope) => {
    const state = await scope.directory();
    const path = join(state, "muster-agent.cjs");
    writeFileSync(path, "one");
    assert.is(buildHere(undefined, path), idOf("one"));
    assert.is(buildHere(state, path), idOf("one"));
    const { atimeMs, mtimeMs } = statSync(path);
    const write = (text: string, later: number): void => {
      writeFileSync(path, text);
      utimesSync(path, atimeMs / 1_000, Math.floor(mtimeMs / 1_000) + later);
    };
    write("two", 10);
    assert.is(buildHere(state, path), idOf("two"));
    write("six", 10);
    assert.is(buildHere(state, path), idOf("two"), "it was not read");
    write("six", 20);
    assert.is(buildHere(state, path), idOf("six"));
    for (const text of ["", "x".repeat(16), "z".repeat(5_000)]) {
      writeFileSync(join(state, "build"), text);
      assert.is(buildHere(state, path), idOf("six"));
    }
    assert.is(buildHere(join(state, "nowhere"), path), idOf("six"));
    assert.is(buildHere(state, join(state, "none.cjs")), undefined);
    assert.is(buildHere(state, join(state, "versions", "0123456789abcdef.cjs")), undefined);
  });
});
