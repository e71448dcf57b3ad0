import { existsSync, readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { Random } from "../chaos/random.ts";
import { cases } from "../attack/cases/all.ts";
import { mutate } from "../attack/mutate.ts";
import { misfit } from "../attack/schema.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";

/** Enough to walk each way once; `npm run attack` has the whole of it. */
// Other tests run beside it: 50 ms are kept on a quiet machine, and here it is asked whether anything stands still.
const budget = "--connections 200 --payloads 2000 --requests 4 --samples 40000 --share 0.05 --trips 30 --busy 10".split(
  " ",
);

/** What goes to the console's HTTP port alone, in which nothing is another with another broker: once is enough. */
const overHttp = ["upgrades", "foreign-pages", "event-streams", "every-sample", "lists", "routes"];
/** Seconds for one run: some fifty where nobody else wants the machine. */
const patience = 600;

suite("attack", ({ test }) => {
  test("a seed repeats every mutation", () => {
    const made = (seed: string): string[] => {
      const random = new Random(seed);
      return Array.from({ length: 200 }, () => mutate(Buffer.from('{"v":1,"online":true}'), random).toString("hex"));
    };
    assert.equal(made("7"), made("7"));
    assert.not.equal(made("7"), made("8"));
  });

  test("an answer that does not fit its description is found", () => {
    const schema = {
      type: "object",
      properties: {
        id: { type: "string" },
        at: { type: "number", nullable: true },
        list: { type: "array", items: { type: "integer" } },
      },
      required: ["id"],
      additionalProperties: false,
    } as const;
    const misfits = [{}, { id: 1 }, { id: "a", more: 1 }, { id: "a", list: [1, 2.5] }, [], null];
    for (const value of misfits) assert.ok(misfit(schema, value), JSON.stringify(value));
    for (const value of [{ id: "a" }, { id: "a", at: null, list: [] }, { id: "a", at: 1.5, list: [1] }])
      assert.is(misfit(schema, value), undefined);
  });

  test("what it has started does not outlive it, whatever way it ends", async () => {
    const { out } = await runProgram("bash", ["-c", "sleep 600 >/dev/null 2>&1 & echo $!"], { whole: true });
    const status = `/proc/${Number(out)}/status`;
    await eventually("its end", () => !existsSync(status) || /^State:\tZ/m.test(readFileSync(status, "utf8")));
  });

  test("what is tried over one broker alone is there", () => {
    const all = new Set(cases.map(({ name }) => name));
    for (const name of overHttp) assert.ok(all.has(name), `there is no case "${name}"`);
  });

  for (const kind of ["embedded", "mosquitto"]) {
    const chosen = cases.map(({ name }) => name).filter((name) => kind === "embedded" || !overHttp.includes(name));
    test(
      `nothing from outside ends it, stalls it or reaches further than it may: ${kind}`,
      async () => {
        const args = ["attack/main.ts", "--seed", "house", "--broker", kind, "--only", chosen.join(","), ...budget];
        const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", ...args], {
          seconds: patience,
          whole: true,
        });
        assert.is(code, 0, `${out}\n${err}`);
        assert.match(out, /^restart +holds /m);
        assert.match(out, new RegExp(`^${kind}: 0 failed$`, "m"));
      },
      { seconds: patience + 10 },
    );
  }
});
