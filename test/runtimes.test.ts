import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { startFleet, type Fleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { reportsAndObeys } from "./reporting.ts";
import { nodeRuntime } from "./runtimes.ts";
import { suite } from "./suite.ts";

/** The floor; one of 20 that is older than what the rest of Muster needs; and the two lines after it. */
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
      await reportsAndObeys({ scope, fleet, command: [await program(version)], version });
    });
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
