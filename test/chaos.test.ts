import * as assert from "uvu/assert";
import type { Case } from "../chaos/case.ts";
import { commands } from "../chaos/commands/case.ts";
import { ordersOf } from "../chaos/commands/orders.ts";
import { faultsOf, makePlan } from "../chaos/plan.ts";
import { samples } from "../chaos/samples/case.ts";
import type { Setting } from "../chaos/setting.ts";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

const seed = "house8757";
/** On each broker, and in each setting: a look in two minutes. Whole decks take a night (docs/chaos.md). */
const commandSeed = "house912";
const commandRounds = 7;
const signedRounds = 3;
const sampleRounds = 5;
const guestRounds = 2;
/** Seconds for one run: some thirty where nobody else wants the machine. */
const patience = 600;
const tlsRounds = 1;
/** Every way to strike, by what the faults' names begin with. */
const kinds = ["kill", "freeze", "break", "hold", "put", "step", "wake", "turn", "fill", "cut", "the", "restore"];

suite("chaos", ({ test }) => {
  test("the rounds of the tests below meet every way to strike", () => {
    const met = (part: Case, of: string, rounds: number, more: Partial<Setting>[]): (string | undefined)[] =>
      (["embedded", "mosquitto"] as const).flatMap((broker) =>
        more.flatMap((those) =>
          Array.from({ length: rounds }, (_, round) => {
            const { name } = makePlan(of, part, { broker, store: "embedded", disks: "images", ...those }, round);
            return name.split(" ")[0];
          }),
        ),
      );
    const ofCommands = new Set([
      ...met(commands, commandSeed, commandRounds, [{}]),
      ...met(commands, commandSeed, signedRounds, [{ signed: "checked" }]),
    ]);
    const ofSamples = new Set(met(samples, seed, sampleRounds, [{ store: "embedded" }, { store: "influx" }]));
    for (const kind of kinds) assert.ok(ofCommands.has(kind), `no round of commands begins with "${kind}"`);
    for (const kind of [...kinds, "clone"]) assert.ok(ofSamples.has(kind), `no round of samples with "${kind}"`);
  });

  for (const [name, part] of Object.entries({ commands, samples }))
    test(`of ${name} a seed repeats every decision, and each fault comes once in a deck`, () => {
      const setting: Setting = { broker: "mosquitto", store: "influx", disks: "images" };
      const names = [...faultsOf(part, setting).keys()];
      const plans = (of: string) => names.map((_, round) => makePlan(of, part, setting, round));
      assert.equal(plans("7"), plans("7"));
      assert.equal(plans("7").map(ordersOf), plans("7").map(ordersOf));
      assert.not.equal(plans("7"), plans("8"));
      assert.equal(
        plans("7")
          .map((plan) => plan.name)
          .sort(),
        names.sort(),
      );
    });

  test(
    "every promise holds while agents, console and broker are killed",
    async () => {
      const count = commandRounds;
      const rounds = ["--part", "commands", "--seed", commandSeed, "--rounds", String(count), "--broker", "both"];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: patience,
      });
      assert.is(code, 0, `${out}\n${err}`);
      assert.match(out, new RegExp(`^embedded: ${count} rounds, .* 0 violations$`, "m"));
      assert.match(out, new RegExp(`^mosquitto: ${count} rounds, .* 0 violations$`, "m"));
    },
    { seconds: patience + 10 },
  );

  test(
    "where people sign every command nothing else takes effect, whoever has the bus and the key of its TLS",
    async () => {
      const count = signedRounds;
      const rounds = ["--signed", "--tls", "--part", "commands", "--seed", commandSeed, "--rounds", String(count)];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: patience,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const kind of ["embedded", "mosquitto"])
        assert.match(
          out,
          new RegExp(`^${kind}, TLS, signed: ${count} rounds, .* [1-9]\\d* forgeries \\([1-9].* 0 violations$`, "m"),
        );
    },
    { seconds: patience + 10 },
  );

  test(
    "the same by TLS",
    async () => {
      const rounds = ["--tls", "--part", "commands", "--seed", seed, "--rounds", String(tlsRounds)];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: patience,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const kind of ["embedded", "mosquitto"])
        assert.match(out, new RegExp(`^${kind}, TLS: ${tlsRounds} rounds, .* 0 violations$`, "m"));
    },
    { seconds: patience + 10 },
  );

  test(
    "the same over brokers that others wrote",
    async () => {
      const count = guestRounds;
      const rounds = ["--part", "commands", "--seed", "guests", "--rounds", String(count), "--broker", "others"];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: patience,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const kind of ["nats", "mochi"])
        assert.match(out, new RegExp(`^${kind}: ${count} rounds, .* 0 violations$`, "m"));
    },
    { seconds: patience + 10 },
  );

  test(
    "every sample is stored once or lies in a gap that is told, on both brokers and both stores",
    async () => {
      const count = sampleRounds;
      const rounds = ["--part", "metrics", "--seed", seed, "--rounds", String(count)];
      const { code, out, err } = await runProgram(process.execPath, ["--import", "tsx", "chaos/main.ts", ...rounds], {
        seconds: patience,
      });
      assert.is(code, 0, `${out}\n${err}`);
      for (const setting of ["embedded, embedded", "mosquitto, embedded", "embedded, influx", "mosquitto, influx"])
        assert.match(out, new RegExp(`^${setting}: ${count} rounds, .* [1-9]\\d* samples kept, .* 0 violations$`, "m"));
      for (const setting of ["embedded, embedded", "mosquitto, embedded"])
        assert.match(out, new RegExp(`^${setting}: ${count} rounds, .* into [1-9]\\d* stretches, `, "m"));
    },
    { seconds: patience + 10 },
  );
});
