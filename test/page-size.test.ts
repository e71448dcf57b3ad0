import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** Bytes of the page's first load, packed: what a phone fetches before anything is seen. */
const maxFirstLoad = 90_000;
const built = "dist/web/";

/** A file with all that it imports at once; what is imported when needed is no part of it. */
function withImports(path: string, found = new Set<string>()): ReadonlySet<string> {
  if (found.has(path)) return found;
  found.add(path);
  const code = readFileSync(built + path, "utf8");
  for (const [, name = ""] of code.matchAll(
    /\bfrom\s*["'`]\.\/([\w.-]+\.js)["'`]|\bimport\s*["'`]\.\/([\w.-]+\.js)["'`]/g,
  ))
    if (name !== "") withImports(`assets/${name}`, found);
  return found;
}

suite("the page's size", ({ test }) => {
  test("is at most 90 kB packed at the first load", () => {
    const index = readFileSync(`${built}index.html`, "utf8");
    const named = [...index.matchAll(/(?:src|href)="\/(assets\/[\w.-]+\.(?:js|css))"/g)].map(([, path = ""]) => path);
    assert.ok(named.some((path) => path.endsWith(".js")) && named.some((path) => path.endsWith(".css")), index);
    const loaded = new Set(named.flatMap((path) => (path.endsWith(".js") ? [...withImports(path)] : [path])));
    const sizes = ["index.html", ...loaded].map((path) => gzipSync(readFileSync(built + path)).length);
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(total <= maxFirstLoad, `${total} bytes in ${sizes.length} files`);
    // Otherwise nothing would be loaded later, and the measure would see the half of it.
    assert.ok(readdirSync(`${built}assets`).length > loaded.size);
  });
});
