import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

suite("leave", ({ test }) => {
  test("removes nothing until somebody has said so", async (scope) => {
    const directory = await scope.directory();
    const kept = join(directory, "identity.json");
    await writeFile(kept, "{}");
    const asked = await runProgram(process.execPath, ["dist/muster-agent.cjs", "leave", "--dir", directory]);
    assert.is.not(asked.code, 0);
    assert.match(asked.err, /all that it has not sent yet\? There is no terminal to ask on: add --yes/);
    assert.ok(existsSync(kept));
  });
});
