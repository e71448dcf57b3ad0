import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** The heading under which docs/library.md tells the options of each class that the package exports, and where they are declared. */
const told = {
  "What an agent takes": ["agent/agent-options.ts", "AgentOptions"],
  "What a console takes": ["console/console-options.ts", "ConsoleOptions"],
} as const;

/** The members of an interface, each with whether it can be left out. */
function declared(file: string, name: string): string[] {
  const [, body = ""] =
    new RegExp(`export interface ${name} \\{\\n([^]*?)\\n\\}`).exec(readFileSync(file, "utf8")) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+)(\??):/gm)].map(
    ([, option = "", mark]) => `${option}${mark === "" ? " (needed)" : ""}`,
  );
}

/** The options of the table under a heading. */
function listed(heading: string): string[] {
  const [, part = ""] = readFileSync("docs/library.md", "utf8").split(`### ${heading}\n`);
  const [section = ""] = part.split(/^#/m, 1);
  return [...section.matchAll(/^\| `(\w+)`( \(needed\))? \|/gm)].map(([, option = "", needed = ""]) => option + needed);
}

suite("docs/library.md", ({ test }) => {
  for (const [heading, [file, name]] of Object.entries(told))
    test(`${heading}: every option of ${name}, in its order, and no other`, () => {
      assert.ok(declared(file, name).length > 10, "the interface is found");
      assert.equal(listed(heading), declared(file, name));
    });
});
