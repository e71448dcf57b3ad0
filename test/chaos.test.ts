import * as assert from "uvu/assert";
import { faultsOf as commandFaultsOf } from "../chaos/faults.ts";
import { faultsOf, type Setting } from "../chaos/metrics/faults.ts";
import { makePlan as makeMetricsPlan } from "../chaos/metrics/plan.ts";
import { makePlan } from "../chaos/plan.ts";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

/** On each broker, and in each setting: a look in two minutes. Whole decks take a night (docs/chaos.md). */
const commandRounds = 12;
const sampleRounds = 6;
const guestRounds = 4;
/** Every way to strike, by what the faults' names begin with. */
const kinds = ["kill", "freeze", "put", "step", "wake", "turn", "fill", "cut", "the"];

suite("chaos", ({ test }) => {
  test("the rounds of the tests below meet every way to strike", () => {
    const disks = "images";
    const commands = (["embedded", "mosquitto"] as const).flatMap((kind) =>
      Array.from({ length: commandRounds }, (_, round) => makePlan("house209", { kind, disks }, round)),
    );
    const samples = (["embedded", "mosquitto"] as const).flatMap((broker) =>
      (["embedded", "influx"] as const).flatMap((store) =>
        Array.from({ length: sampleRounds }, (_, round) =>
          makeMetricsPlan("house209", { broker, store, disks }, round),
        ),
      ),
    );
    const met = (plans: readonly { readonly name: string }[]) => new Set(plans.map(({ name }) => name.split(" ")[0]));
    for (const kind of kinds) assert.ok(met(commands).has(kind), `no round of commands begins with "${kind}"`);
    for (const kind of [...kinds, "clone"]) assert.ok(met(samples).has(kind), `no round of samples with "${kind}"`);
  });

  test("a seed repeats every decision, and each fault comes once in a deck", () => {
    const faultNames = Object.keys(commandFaultsOf("mosquitto", "images"));
    const setting = { kind: "mosquitto", disks: "images" } as const;
    const plans = (seed: string) => faultNames.map((_, round) => makePlan(seed, setting, round));
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
      const count = commandRounds;
      const rounds = ["--part", "commands", "--seed", "house209", "--rounds", String(count), "--broker", "both"];
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
      const count = guestRounds;
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
    const setting: Setting = { broker: "mosquitto", store: "influx", disks: "images" };
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
      const count = sampleRounds;
      const rounds = ["--part", "metrics", "--seed", "house209", "--rounds", String(count)];
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
