import { existsSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** What a number on the page means, in the constant's own unit: milliseconds, bytes or a plain count. */
const units: Readonly<Record<string, number>> = {
  "": 1,
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  ms: 1,
  s: 1_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

interface Row {
  readonly what: string;
  readonly most: string;
  readonly constant: string;
  readonly test: string;
}

suite("limits", ({ test }) => {
  const rows = rowsOf(readFileSync("docs/limits.md", "utf8"));

  test("each bound on the page is what its constant says", async () => {
    for (const { what, most, constant } of rows) {
      const [path = "", name = ""] = constant.split("#");
      const actual = await valueOf(path, name);
      assert.is(actual, toNumber(most), `${what}: the page says ${most}, ${constant} is ${String(actual)}`);
    }
  });

  test("each bound has a test that uses its constant", () => {
    for (const { what, constant, test: path } of rows) {
      const name = constant.split(/[#.]/).at(-1) ?? "";
      assert.ok(existsSync(path), `${what}: there is no ${path}`);
      assert.ok(readFileSync(path, "utf8").includes(name), `${what}: ${path} does not use ${name}`);
    }
  });
});

/** The rows of every table whose constant reads `path#name`. */
function rowsOf(page: string): Row[] {
  return page.split("\n").flatMap((line) => {
    const [, what = "", most = "", , constant = "", test = ""] = line.split("|").map((cell) => cell.trim());
    if (!constant.includes("#")) return [];
    return [{ what, most, constant: constant.replaceAll("`", ""), test: test.replaceAll("`", "") }];
  });
}

/** An exported constant, or a value inside it: `limits.ts#defaultLimits.connections`. */
async function valueOf(path: string, name: string): Promise<unknown> {
  const module = (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  return name.split(".").reduce<unknown>((from, key) => (from as Record<string, unknown> | undefined)?.[key], module);
}

function toNumber(text: string): number {
  const [, digits = "", unit = ""] = /^([\d,.]+) ?(\w*)$/.exec(text) ?? [];
  return Number(digits.replaceAll(",", "")) * (units[unit] ?? Number.NaN);
}
