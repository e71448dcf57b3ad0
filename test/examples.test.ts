import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { startFleet } from "./fleet.ts";
import { Running, runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

suite("examples", ({ test }) => {
  test("the agent and the console from code, as the documentation shows them", async (scope) => {
    const fleet = await startFleet(scope, "mosquitto");
    // The example is a console of its own: the one of the harness makes room for it.
    await fleet.console.stop();
    const secretOf = (name: string): string => fleet.secretOf(name);
    const agent = new Running(scope, process.execPath, ["examples/agent.mjs"], {
      env: { BROKER: fleet.url, SECRET: secretOf("rpi-7") },
    });
    const env = { BROKER: fleet.url, SECRET: secretOf("console"), DIRECTORY: await scope.directory() };
    const { out, err, code } = await runProgram(process.execPath, ["examples/console.mjs"], { env });
    assert.is(code, 0, err + agent.lines.join("\n"));
    assert.match(out, /succeeded \{ greeted: 'world', times: 3 \}/);
  });

  test("the documentation shows exactly these files", () => {
    const page = readFileSync("docs/library.md", "utf8");
    for (const file of ["examples/agent.mjs", "examples/console.mjs"])
      assert.ok(page.includes(readFileSync(file, "utf8").trim()), file);
  });
});
