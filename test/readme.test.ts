import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { musterProgram, runProgram } from "./programs.ts";
import { settingsTable } from "./settings-table.ts";
import { suite } from "./suite.ts";

const readme = readFileSync("README.md", "utf8");
const pages = [".", "docs"].flatMap((directory) =>
  readdirSync(directory)
    .filter((name) => name.endsWith(".md"))
    .map((name) => join(directory, name)),
);

suite("README.md", ({ test }) => {
  test("its table of settings is that of shared/settings.ts", () => {
    const [, table = ""] = /<!-- settings:[^>]*-->\n([\s\S]*?)<!-- \/settings -->/.exec(readme) ?? [];
    assert.is(table.trim(), settingsTable());
  });

  test("every muster command that it names exists", async () => {
    const { out } = await runProgram(...musterProgram(["--help"]));
    const offered = [...out.matchAll(/^ {2}([a-z-]+) /gm)].map(([, name]) => name);
    const named = [...readme.matchAll(/\bnpx muster ([a-z-]+)|`muster ([a-z-]+)/g)].map(([, run, told]) => run ?? told);
    assert.ok(named.length > 10 && offered.includes("send"), `${named.length} named; offered: ${offered.join(", ")}`);
    assert.equal(
      [...new Set(named)].filter((name) => !offered.includes(name)),
      [],
    );
  });
});

suite("the Markdown pages", ({ test }) => {
  for (const page of pages) {
    test(`${page}: every link inside the house leads somewhere`, () => {
      const broken = linksOf(page).filter((target) => !leadsSomewhere(page, target));
      assert.equal(broken, []);
    });
  }
});

/** Targets of the page's links and pictures, without those on the web. Code blocks have none. */
function linksOf(page: string): string[] {
  const prose = readFileSync(page, "utf8").replaceAll(/^```[\s\S]*?^```/gm, "");
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/.test(target));
}

function leadsSomewhere(page: string, target: string): boolean {
  const [path = "", anchor] = target.split("#");
  const file = path === "" ? page : join(dirname(page), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || anchorsOf(file).includes(anchor);
}

/** Headings' anchors as code hosts make them: lower case, hyphens for spaces, punctuation left out. */
function anchorsOf(file: string): string[] {
  const headings = [...readFileSync(file, "utf8").matchAll(/^#+ (.+)$/gm)];
  return headings.map(([, title = ""]) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-"),
  );
}
