import { join } from "node:path";
import * as assert from "uvu/assert";
import { runProgram } from "../test/programs.ts";
import { suite } from "../test/suite.ts";

suite("umask", ({ test }) => {
  test("files of ours are for our user alone; a program that is started gets the umask that we were given", async (scope) => {
    const directory = await scope.directory();
    const script = `
      import { execFileSync } from "node:child_process";
      import { mkdirSync, statSync, writeFileSync } from "node:fs";
      import { keepFilesPrivate, withGivenUmask } from "#shared/umask";
      process.umask(0o022);
      const run = () => withGivenUmask(() => execFileSync("/bin/sh", ["-c", "umask"], { encoding: "utf8" }).trim());
      const before = run();
      keepFilesPrivate();
      keepFilesPrivate();
      writeFileSync(${JSON.stringify(join(directory, "file"))}, "");
      mkdirSync(${JSON.stringify(join(directory, "directory"))});
      const modes = ["file", "directory"].map((name) => (statSync(${JSON.stringify(`${directory}/`)} + name).mode & 0o777).toString(8));
      console.log(before, run(), process.umask().toString(8), ...modes);`;
    const { out, err } = await runProgram(process.execPath, [
      "--import",
      "tsx",
      "--input-type=module",
      "--eval",
      script,
    ]);
    assert.is(out.trim(), "0022 0022 77 600 700", err);
  });
});
