import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as assert from "uvu/assert";
import { localSecret } from "../console/accounts/secrets.ts";
import { systemClock } from "#shared/clock";
import { House } from "./damage.ts";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

/** The page's lines for a shell, by what they are for. */
const blocks = (name: string): string =>
  [...readFileSync("docs/backup.md", "utf8").matchAll(/^```sh (\w+)\n([^]*?)^```$/gm)]
    .filter(([, kind]) => kind === name)
    .map(([, , lines]) => lines)
    .join("");
const muster = resolve("dist/muster.js");

suite("docs/backup.md", ({ test }) => {
  test("its lines copy a console that runs, and one that is stopped, and bring the copy back", async (scope) => {
    const place = await scope.directory();
    const run = async (name: string): Promise<string> => {
      const lines = blocks(name);
      assert.ok(lines.length > 0, name);
      const npx = `set -eu; cd '${place}'; npx() { shift; '${process.execPath}' '${muster}' "$@"; }\n`;
      const { code, out, err } = await runProgram("bash", ["-c", npx + lines], { seconds: 60 });
      assert.is(code, 0, out + err);
      return out;
    };
    const data = join(place, "data");
    const house = await House.open(data);
    await localSecret(house.state, "console", "console");
    await house.birth("d1");
    const stored = house.acknowledged("d1", 1);
    await house.batch("d1", 1, { temperature: [20.5, 21] });
    await stored;
    assert.match(await run("running"), /sound +muster\.db [^]*nothing is damaged/);
    await house.close();
    await run("stopped");
    assert.equal(readdirSync(join(place, "backup", "stopped")), readdirSync(data));

    writeFileSync(join(data, "muster.db"), "the disk is broken");
    assert.match(await run("restore"), /nothing is damaged/);
    const again = await House.open(data);
    scope.cleanup(() => again.close());
    const { missing, stored: count } = again.console.ingest.batches.completeness.of("d1" as never);
    assert.equal([count, missing, again.state.damage.count()], [2, 0, 0]);
    const from = systemClock.now() - 60_000;
    const series = await again.console.store.query({
      device: "d1" as never,
      measurement: "room",
      field: "temperature",
      from,
      to: systemClock.now(),
      every: 0,
    });
    assert.is(series[0]?.points.length, 2);
    assert.ok(existsSync(join(place, "data.before", "muster.db")));
  });
});
