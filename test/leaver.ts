import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite } from "./suite.ts";

/** A test that passes and cleans up nothing: what `remains.test.ts` has a worker run. */
suite("a test that leaves something", ({ test }) => {
  test("a file, and a process that has left the family", async (scope) => {
    writeFileSync(join(tmpdir(), "forgotten"), "");
    const cwd = await scope.directory();
    spawn("env", ["-i", "setsid", "sleep", "600"], { cwd, detached: true, stdio: "ignore" }).unref();
  });
});
