import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** The cells of every row of the page's tables. */
function rowsOf(page: string): string[][] {
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  return rows.map((row) => row.split("|").slice(1, -1));
}

function quotedIn(text = ""): string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, word = ""]) => word);
}

suite("the pages for developers", ({ test }) => {
  const page = readFileSync("docs/development.md", "utf8");

  test("docs/development.md names files that are there, and what is done in them by its name", () => {
    const paths = quotedIn(page).filter((word) => /^[a-z][\w-]*(\/[\w-]+)*\/[\w.-]+\.\w+$/.test(word));
    assert.ok(paths.length > 60, `${paths.length} files are named`);
    assert.equal(
      paths.filter((path) => !existsSync(path)),
      [],
    );
    for (const [, file, does] of rowsOf(page)) {
      const [path] = quotedIn(file);
      for (const name of path === undefined ? [] : quotedIn(does).filter((word) => /^#?[a-z][A-Za-z]+$/.test(word)))
        assert.ok(readFileSync(path ?? "", "utf8").includes(`${name}(`), `there is no ${name} in ${path}`);
    }
  });

  test("ARCHITECTURE.md names files that are there", () => {
    const sections = readFileSync("ARCHITECTURE.md", "utf8").split(/^### /m).slice(1);
    const missing = sections.flatMap((section) => {
      const [, room = ""] = /^(\w+)\/\n/.exec(section) ?? [];
      if (room === "") return [];
      return rowsOf(section.split(/^## /m)[0] ?? "").flatMap(([names]) => missingOf(room, quotedIn(names)));
    });
    assert.equal(missing, []);
  });
});

/** Names of a row that are neither in the room nor beside the row's first. */
function missingOf(room: string, names: readonly string[]): string[] {
  const places = [room, join(room, dirname(names[0] ?? ""))];
  return names.filter((name) => !places.some((place) => isThere(join(place, name)))).map((name) => `${room}/${name}`);
}

/** `influx*.ts` as well. */
function isThere(path: string): boolean {
  if (!path.includes("*")) return existsSync(path);
  const [begin = "", end = ""] = basename(path).split("*");
  return readdirSync(dirname(path)).some((name) => name.startsWith(begin) && name.endsWith(end));
}
