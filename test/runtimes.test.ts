import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram, Running } from "./programs.ts";
import { nodeRuntime } from "./runtimes.ts";
import { eventually, suite, type Scope } from "./suite.ts";

/** The floor, and the newest of each line that is kept up; the line of the Node that runs this test is that one. */
const versions = ["18.19.0", "20.11.0", "22.20.0", "24.9.0"];
/** Older than all syntax that the agent is written in. */
const ancient = "12.0.0";
/** What Node 18 lacks of the language and of its own library, and somebody might write without a thought. */
const newer =
  /\.(toSorted|toReversed|toSpliced|isWellFormed|toWellFormed|groupBy|fromAsync|withResolvers|getBuiltinModule|parseEnv)\(|AbortSignal\.any|Symbol\.(dispose|asyncDispose)|import\.meta\.(dirname|filename)|\bawait using\b|\/[dgimsuy]*v[dgimsuy]*[;,)]$|zlib\.crc32\(/m;
const file = "dist/muster-agent.cjs";

suite("the agent in one file, by Node's versions", ({ test, before }) => {
  let fleet: Fleet;
  let program: (version: string) => Promise<string>;

  before(async (scope) => {
    fleet = await startFleet(scope, "embedded");
    const fetched = new Map([...versions, ancient].map((version) => [version, nodeRuntime(version)]));
    program = async (version) => (await fetched.get(version)) ?? "";
    // Those that fail do so in their own test.
    await Promise.allSettled(fetched.values());
  });

  for (const version of versions) {
    test(`${version}: connects, keeps and sends samples, answers`, async (scope) => {
      await reportsAndObeys(scope, await program(version), version);
    });
  }

  async function reportsAndObeys(scope: Scope, node: string, version: string): Promise<void> {
    const url = fleet.url.replace("//", `//rpi-7:${fleet.secretOf("rpi-7")}@`);
    const data = await scope.directory();
    const commands = await scope.directory();
    await writeFile(join(commands, "hello"), "#!/bin/sh\necho {}\n", { mode: 0o755 });
    const settings = ["--interval", "1s", "--data", data, "--exec-directory", commands, "--mqtt-url", url];
    const agent = new Running(scope, node, [file, ...settings]);
    await agent.line(/agent rpi-7 reports to mqtt:/, 60);
    await fleet.sees("rpi-7", true);
    assert.is(fleet.console.registry.get("rpi-7")?.facts["node"], version);
    for (const key of ["ping", "exec:hello", "report"]) {
      const answer = await fleet.console.send("rpi-7", { key });
      assert.is(answer.state, "succeeded", JSON.stringify(answer));
    }
    await eventually("its samples stored and acknowledged, from its disk", async () => {
      const { result } = await fleet.console.send("rpi-7", { key: "info" });
      const { batches, ...rest } = (result as { outbox: Record<string, number> }).outbox;
      return batches === 0 && assert.equal(rest, { bytes: 0, dropped: 0, gaps: 0 }) === undefined;
    });
    assert.ok(fleet.console.registry.latest("rpi-7").some(({ measurement }) => measurement === "mem"));
    assert.is(await agent.kill("SIGTERM"), 0);
    await fleet.sees("rpi-7", false);
    const said = agent.lines.filter((line) => /warn|error/i.test(line));
    assert.equal(said, [], "it complained of nothing");
  }

  test("the agent's own sources, and those it shares, use nothing that is newer than the floor", () => {
    const sources = ["agent", "shared"].flatMap((room) =>
      readdirSync(room, { recursive: true, encoding: "utf8" }).map((name) => join(room, name)),
    );
    const wrong = sources
      .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
      .filter((path) => newer.test(readFileSync(path, "utf8")));
    assert.equal(wrong, []);
  });

  test(`below the floor it ends with one sentence`, async () => {
    const { code, out, err } = await runProgram(await program(ancient), [file, "--help"]);
    assert.equal([code, out], [1, ""]);
    assert.is(err, "muster: the agent needs Node 18.19 or newer, and this is 12.0.0\n");
  });
});
