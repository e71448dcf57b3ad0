import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { ManualClock, systemClock, type Clock } from "#shared/clock";
import { silentLog } from "#shared/log";
import {
  maxDescribed,
  maxDescribedFields,
  maxDescriptionLength,
  maxTitleLength,
  maxUnitLength,
  type Descriptions,
} from "#shared/messages/descriptions";
import { eventually, suite, type Scope } from "../../test/suite.ts";
import { describeTimeout, maxDescriptionText } from "../commands/exec/ask-description.ts";
import { Journal, put } from "../commands/exec/fixture.ts";
import { Intake } from "./intake.ts";
import { maxDescriptionBytes, OwnDescriptions } from "./own-descriptions.ts";
import { describeProgram } from "./program-description.ts";
import { MetricPrograms } from "./programs.ts";

/** What a program says that does this when it is asked, and otherwise prints a sample. */
async function ask(scope: Scope, does: string, clock: Clock = systemClock): Promise<Descriptions | undefined> {
  const directory = await scope.directory();
  const text = `#!/bin/sh\n[ "$1" = --describe ] || exec echo 'a x=1'\n${does}\n`;
  const path = await put(directory, "it", text);
  const env = { PATH: process.env["PATH"] ?? "" };
  return describeProgram({ path, directory, env, clock, signals: [] });
}

/** Why it is not taken. */
const refusalOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => "taken",
    (error: Error) => error.message,
  );

const printing = (said: unknown): string =>
  `cat <<'END'\n${typeof said === "string" ? said : JSON.stringify(said)}\nEND`;
const field = (said: object): object => ({ measurements: { room: { fields: { t: said } } } });
const many = (count: number, one: object): object =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`n${at}`, one]));

suite("what a metrics program says of itself", ({ test }) => {
  const whole = {
    title: "Room",
    description: "Upstairs, by the window",
    fields: {
      t: { unit: "°C", title: "Temperature", description: "…", type: "float", min: -40, max: 80 },
      n: { counter: true },
    },
  };
  const taken: readonly (readonly [what: string, said: object])[] = [
    ["all that can be said", { measurements: { room: whole } }],
    ["nothing of anything", { measurements: {} }],
    [
      "as much as may be",
      field({
        unit: "u".repeat(maxUnitLength),
        title: "t".repeat(maxTitleLength),
        description: "d".repeat(maxDescriptionLength),
      }),
    ],
    ["as many fields as may be", { measurements: { room: { fields: many(maxDescribedFields, {}) } } }],
    ["as many measurements as may be", { measurements: many(maxDescribed, {}) }],
  ];
  for (const [what, said] of taken)
    test(`it is taken: ${what}`, async (scope) => {
      assert.equal({ measurements: await ask(scope, printing(said)) }, said);
    });

  test("one that knows no --describe is described by nobody, and nothing is wrong with it", async (scope) => {
    for (const does of [
      "echo 'a x=1'",
      'echo \'{"measurement":"a","values":{"x":1}}\'',
      "exit 2",
      "",
      "echo '# -'; echo a x=1",
    ])
      assert.is(await ask(scope, does), undefined, does);
    // One that measures without an end is not waited for.
    assert.is(await ask(scope, "echo 'a x=1'; exec sleep 1000"), undefined);
  });

  const refused: readonly (readonly [what: string, does: string, why: RegExp])[] = [
    ["no JSON", "echo usage: it", /^printed what is not taken: its description is no JSON/],
    ["a list", "echo '[]'", /its description is not valid/],
    ["another word", printing({ measurement: {} }), /measurements/],
    ["a misspelled key", printing(field({ units: "°C" })), /Unrecognized key: "units"/],
    ["a number for a title", printing(field({ title: 5 })), /fields\.t\.title: .*string/],
    ["a unit that is too long", printing(field({ unit: "u".repeat(maxUnitLength + 1) })), /unit/],
    ["a title that is too long", printing(field({ title: "t".repeat(maxTitleLength + 1) })), /title/],
    [
      "a description that is too long",
      printing(field({ description: "d".repeat(maxDescriptionLength + 1) })),
      /description/,
    ],
    ["a title of two lines", printing(field({ title: "a\nb" })), /expected one line/],
    ["a title that a terminal obeys", printing(field({ title: "\u001b[2J" })), /expected one line/],
    ["a title that turns around", printing(field({ title: "a\u202eb" })), /expected one line/],
    ["a range that is none", printing(field({ min: 5, max: 5 })), /expected min below max/],
    ["no finite number", printing('{"measurements":{"room":{"fields":{"t":{"max":1e999}}}}}'), /not taken/],
    ["a name that is none", printing({ measurements: { "a\nb": {} } }), /measurements/],
    [
      "too many fields",
      printing({ measurements: { room: { fields: many(maxDescribedFields + 1, {}) } } }),
      /at most 100/,
    ],
    ["too many measurements", printing({ measurements: many(maxDescribed + 1, {}) }), /at most 64/],
    ["too deep", printing("[".repeat(5_000)), /not taken/],
    ["a flood", "exec yes", new RegExp(`^printed more than ${maxDescriptionText} characters$`)],
    ["a line without an end", "exec cat /dev/zero", /^printed more than/],
    ["a signal", "kill -9 $$", /^was killed by SIGKILL$/],
  ];
  for (const [what, does, why] of refused)
    test(`it is refused: ${what}`, async (scope) => {
      assert.match(await refusalOf(ask(scope, does)), why);
    });

  test("it is not waited for", async (scope) => {
    const clock = new ManualClock();
    const marker = join(await scope.directory(), "began");
    const asked = refusalOf(ask(scope, `echo > ${marker}; exec sleep 1000`, clock));
    await eventually("its beginning", () =>
      readFile(marker).then(
        () => true,
        () => false,
      ),
    );
    clock.advance(describeTimeout);
    assert.match(await asked, /^did not end within 5s and was ended$/);
  });
});

suite("what all metrics programs say", ({ test }) => {
  async function place(scope: Scope, texts: Readonly<Record<string, string>>) {
    const directory = await scope.directory();
    const counts = join(await scope.directory(), "asked");
    const asks = async (): Promise<number> => (await readFile(counts, "utf8").catch(() => "")).length;
    const write = (name: string, does: string): Promise<unknown> =>
      put(
        directory,
        name,
        `#!/bin/sh\nif [ "$1" = --describe ]; then\nprintf . >> ${counts}\n${does}\nexit\nfi\necho 'a x=1'\n`,
      );
    for (const [name, does] of Object.entries(texts)) await write(name, does);
    const clock = new ManualClock();
    const log = new Journal();
    const told: Descriptions[] = [];
    const intake = new Intake({ clock, emit() {} });
    const descriptions = new OwnDescriptions({
      programs: () => programs.descriptions,
      clock,
      log,
      changed: () => void told.push(descriptions.current),
    });
    let isPaused = false;
    const programs = new MetricPrograms({
      directory,
      device: "edge-1",
      paused: () => isPaused,
      described: () => descriptions.heard(),
      intake,
      clock,
      log,
    });
    scope.cleanup(() => programs.stop());
    const start = async (): Promise<void> => {
      await programs.start();
      await programs.idle();
      clock.advance(1_000);
    };
    return {
      asks,
      write,
      start,
      told,
      log,
      programs,
      clock,
      intake,
      descriptions,
      pause: () => void (isPaused = true),
    };
  }
  const titled = (title: string, name = "room"): string => printing({ measurements: { [name]: { title } } });

  test("they are asked once, and again when a file is another one; all of it becomes one word", async (scope) => {
    const { asks, write, start, told, programs, clock, log } = await place(scope, {
      one: titled("A"),
      two: titled("B", "hall"),
    });
    await start();
    assert.equal(told, [{ room: { title: "A" }, hall: { title: "B" } }]);
    const run = async (): Promise<void> => {
      programs.beat();
      await programs.idle();
      clock.advance(1_000);
    };
    await run();
    await run();
    assert.is(await asks(), 2);
    await write("one", titled("C"));
    await run();
    assert.equal(told.at(-1), { room: { title: "C" }, hall: { title: "B" } });
    await write("one", "echo 'a x=1'");
    await run();
    assert.equal(told.at(-1), { hall: { title: "B" } });
    await write("one", "true");
    await run();
    assert.equal([told.length, log.sentences], [3, []]);
  });

  test("one that is refused is told once, and its samples are taken all the same", async (scope) => {
    const { start, told, programs, log, intake, write, clock } = await place(scope, { odd: "echo hello" });
    await start();
    programs.beat();
    await programs.idle();
    assert.is(intake.taken, 2);
    assert.is(log.sentences.length, 1);
    assert.match(
      log.sentences[0] ?? "",
      /^the metrics program odd is not described: asked with --describe, it printed what/,
    );
    assert.match(programs.problems["odd"] ?? "", /^is not described/);
    await write("odd", titled("A"));
    programs.beat();
    await programs.idle();
    clock.advance(1_000);
    assert.equal([programs.problems, told], [{}, [{ room: { title: "A" } }]]);
  });

  test("a paused agent asks them, and does not let them measure", async (scope) => {
    const { start, told, intake, pause } = await place(scope, { one: titled("A") });
    pause();
    await start();
    assert.equal([told.length, intake.taken], [1, 0]);
  });

  test("of two that say something of one field the first by name counts; code comes before both", async () => {
    const descriptions = new OwnDescriptions({
      programs: () => [
        ["a", { room: { title: "A", fields: { t: { unit: "K" } } } }],
        ["b", { room: { title: "B", description: "b", fields: { t: { unit: "°C" }, h: { unit: "%" } } } }],
      ],
      clock: systemClock,
      log: silentLog,
      changed() {},
    });
    descriptions.describe("door", { title: "Door" });
    assert.equal(descriptions.current, {
      door: { title: "Door" },
      room: { title: "A", description: "b", fields: { t: { unit: "K" }, h: { unit: "%" } } },
    });
    descriptions.describe("room", { title: "Code" });
    assert.is(descriptions.current["room"]?.title, "Code");
    assert.throws(() => descriptions.describe("#", {}), /measurement is not valid/);
    assert.throws(() => descriptions.describe("x", { title: "a\nb" }), /what x is is not valid: title/);
  });

  test("what is beyond the bounds is left out and told, and the rest stands", async () => {
    const log = new Journal();
    const long = { description: "d".repeat(maxDescriptionLength) };
    const fits = Math.floor(maxDescriptionBytes / (JSON.stringify(long).length + 6));
    const named = Object.fromEntries(Array.from({ length: fits + 1 }, (_, at) => [`n${10 + at}`, long]));
    const descriptions = new OwnDescriptions({
      programs: () => [
        ["a", named],
        ["b", { small: { title: "B" } }],
        ["c", { door: { fields: many(maxDescribedFields, {}) as Record<string, object> } }],
      ],
      clock: systemClock,
      log,
      changed() {},
    });
    descriptions.describe("door", { fields: { other: {} } });
    const { current } = descriptions;
    assert.ok(Buffer.byteLength(JSON.stringify(current)) <= maxDescriptionBytes);
    assert.equal([current["small"], Object.keys(current["door"]?.fields ?? {})], [{ title: "B" }, ["other"]]);
    assert.ok(!(`n${10 + fits}` in current));
    assert.ok(log.sentences.some((one) => one.startsWith('what c says of "door" is not told')));
    const { length } = log.sentences;
    descriptions.describe("door", { fields: { another: {} } });
    assert.is(log.sentences.length, length, "told once");
  });
});
