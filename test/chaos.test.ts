import * as assert from "uvu/assert";
import { faultNames } from "../chaos/faults.ts";
import { faultsOf, type Setting } from "../chaos/metrics/faults.ts";
import { makePlan as makeMetricsPlan } from "../chaos/metrics/plan.ts";
import { makePlan } from "../chaos/plan.ts";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

suite("chaos", ({ test }) => {
  test("a seed repeats every decision, and each fault comes once in a deck", () => {
    const plans = (seed: string) => faultNames.map((_, round) => makePlan(seed, "mosquitto", round));
    assert.equal(plans("7"), plans("7"));
    assert.not.equal(plans("7"), plans("8"));
    assert.equal(
      plans("7")
        .map(({ name }) => name)
        .sort(),
      [...faultNames].sort(),
    );
  });

  test(
    "every promise holds while agents, console and broker are killed",
    async () => {
      // Two hundred rounds in all where there is time for them; a dozen on each broker while somebody waits.
      const count = process.env["CI"] ? 100 : 12;
      const rounds = ["--part", "commands", "--seed", "house", "--rounds", String(count), "--broker", "both"];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: 300,
      });
      assert.is(code, 0, `${out}\n${err}`);
      assert.match(out, new RegExp(`^embedded: ${count} rounds, .* 0 violations$`, "m"));
      assert.match(out, new RegExp(`^mosquitto: ${count} rounds, .* 0 violations$`, "m"));
    },
    { seconds: 310 },
  );

  test(
    "the same over brokers that others wrote",
    async () => {
      const count = process.env["CI"] ? 20 : 4;
      const rounds = ["--part", "commands", "--seed", "guests", "--rounds", String(count), "--broker", "others"];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: 300,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const kind of ["nats", "mochi"])
        assert.match(out, new RegExp(`^${kind}: ${count} rounds, .* 0 violations$`, "m"));
    },
    { seconds: 310 },
  );

  test("the same of samples: a seed repeats every decision, and each fault comes once in a deck", () => {
    const setting: Setting = { broker: "mosquitto", store: "influx", disks: true };
    const names = [...faultsOf(setting).keys()];
    const plans = (seed: string) => names.map((_, round) => makeMetricsPlan(seed, setting, round));
    assert.equal(plans("7"), plans("7"));
    assert.not.equal(plans("7"), plans("8"));
    assert.equal(
      plans("7")
        .map(({ name }) => name)
        .sort(),
      names.sort(),
    );
  });

  test(
    "every sample is stored once or lies in a gap that is told, on both brokers and both stores",
    async () => {
      // A whole deck of faults, and more, where there is time for it.
      const count = process.env["CI"] ? 40 : 6;
      const rounds = ["--part", "metrics", "--seed", "house", "--rounds", String(count)];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: 400,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const setting of ["embedded, embedded", "mosquitto, embedded", "embedded, influx", "mosquitto, influx"])
        assert.match(out, new RegExp(`^${setting}: ${count} rounds, .* [1-9]\\d* samples kept, .* 0 violations$`, "m"));
    },
    { seconds: 410 },
  );
});
