import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { cases } from "../attack/cases/all.ts";
import { suite } from "./suite.ts";

suite("SECURITY.md", ({ test }) => {
  const text = readFileSync("SECURITY.md", "utf8");
  const rows = [...text.matchAll(/^\|[^|]*\|([^|]*)\|([^|]*)\|$/gm)].slice(2);

  test("each promise names what holds it: a test that is there, or a case of the adversary's suite", () => {
    assert.ok(rows.length > 15);
    const known = new Set(cases.map(({ name }) => name));
    for (const [, promise = "", held = ""] of rows) {
      const named = [...held.matchAll(/(case )?`([^`]+)`/g)];
      assert.ok(named.length > 0, promise);
      for (const [, isCase, name = ""] of named)
        assert.ok(isCase ? known.has(name) : name.endsWith(".test.ts") && existsSync(name), `${promise}: ${name}`);
    }
  });

  test("each case of the adversary's suite stands behind a promise", () => {
    const named = new Set([...text.matchAll(/case `([^`]+)`/g)].map(([, name]) => name));
    assert.equal(
      cases.map(({ name }) => name).filter((name) => !named.has(name)),
      [],
    );
  });

  test("the pages that it leads to are there", () => {
    for (const [, target = ""] of text.matchAll(/\]\(([^)#]+)\)/g)) assert.ok(existsSync(target), target);
    assert.match(readFileSync("README.md", "utf8"), /\[SECURITY\.md\]\(SECURITY\.md\)/);
  });
});
