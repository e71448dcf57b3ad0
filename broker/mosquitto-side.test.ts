import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { Running } from "../test/programs.ts";
import { eventually, suite, type Scope } from "../test/suite.ts";
import { deniedIn } from "./mosquitto-access.ts";
import type { MosquittoBooks, ReadBooks } from "./mosquitto-books.ts";
import { maxRewrites, MosquittoSide } from "./mosquitto-side.ts";

const booksOf = (...names: string[]): MosquittoBooks => ({
  accounts: names.map((name) => ({ name, role: "device" as const, hash: "$7$101$c2FsdA==$aGFzaA==" })),
  version: names.join(),
});

/** Read at the moment in which they are asked for. */
const reading =
  (books: () => MosquittoBooks): ReadBooks =>
  async () =>
    books;

/** Two programs that write the same files, none of which hears of the other. */
async function twoSides(scope: Scope) {
  const directory = await scope.directory();
  const reach = () => ({ url: "mqtt://127.0.0.1:9" });
  const side = () => new MosquittoSide({ directory, root: "muster", clock: systemClock, reach });
  const names = () => [...readFileSync(join(directory, "passwd"), "utf8").matchAll(/^[^:]+/gm)].map(([name]) => name);
  const acl = () => readFileSync(join(directory, "acl"), "utf8");
  return { directory, verb: side(), console: side(), names, acl };
}

/** What counts as Mosquitto, and says so each time it is told. */
async function pretended(scope: Scope, directory: string): Promise<Running> {
  const told =
    'process.title = "mosquitto"; process.on("SIGHUP", () => console.log("told")); setInterval(() => {}, 1e6); console.log(`up ${process.pid}`)';
  const broker = new Running(scope, process.execPath, ["-e", told]);
  const pid = /\d+/.exec(await broker.line(/up/))?.[0];
  writeFileSync(join(directory, "mosquitto.pid"), `${pid}\n`);
  return broker;
}

suite("mosquitto's files by two programs", ({ test }) => {
  test("the newest state stands in them, whoever has written last", async (scope) => {
    const { verb, console, names } = await twoSides(scope);
    let books = booksOf("rpi-7", "rpi-8");
    let readings = 0;
    await verb.write(async () => {
      const read = books;
      if (readings++ !== 1) return () => read;
      // It has read what it is about to write, and somebody is faster.
      books = booksOf("rpi-7");
      await console.write(reading(() => books));
      assert.equal(names(), ["rpi-7"]);
      return () => read;
    });
    assert.equal(names(), ["rpi-7"], "a device that was removed");
  });

  test("who is shut out while the files are being written is denied nothing yet: what he has open ends first, and his will goes out", async (scope) => {
    const { console, acl } = await twoSides(scope);
    const shut = (...shutOut: string[]): MosquittoBooks => ({
      ...booksOf("rpi-9"),
      certificates: { shutOut, more: {}, withEnded: new Set(shutOut) },
    });
    await console.write(reading(() => shut("rpi-7")));
    assert.equal(deniedIn(acl()), ["rpi-7"], "of before its start");
    // Another change's writing, which knows nothing of this one.
    await console.write(
      reading(() => shut("rpi-7", "rpi-8")),
      new Map([["rpi-9", new Set()]]),
    );
    assert.equal(deniedIn(acl()), ["rpi-7"]);
    await console.write(
      reading(() => shut("rpi-7", "rpi-8")),
      new Map([["rpi-8", new Set()]]),
    );
    assert.equal(deniedIn(acl()), ["rpi-7", "rpi-8"]);
  });

  test("who is shut out while the files are written for an earlier change of his is denied nothing yet either", async (scope) => {
    const { console, acl, directory } = await twoSides(scope);
    await pretended(scope, directory);
    const joined: MosquittoBooks = { ...booksOf("rpi-7"), version: "joined" };
    const revoked: MosquittoBooks = {
      ...booksOf("rpi-7"),
      certificates: { shutOut: ["rpi-7"], more: {}, withEnded: new Set(["rpi-7"]) },
      version: "revoked",
    };
    let books = joined;
    let readings = 0;
    await console.write(
      async () => {
        if (++readings === 3) books = revoked;
        const read = books;
        return () => read;
      },
      new Map([["rpi-7", new Set()]]),
    );
    assert.equal(deniedIn(acl()), []);
  });

  test("a place is not taken by rules of another one under which the will would be lost", async (scope) => {
    const { console, acl, directory } = await twoSides(scope);
    const broker = await pretended(scope, directory);
    const books: MosquittoBooks = {
      ...booksOf("rpi-7"),
      certificates: { shutOut: ["rpi-7"], more: {}, withEnded: new Set(["rpi-7"]) },
    };
    const written = console.write(
      reading(() => books),
      new Map([["rpi-7", new Set()]]),
    );
    await broker.line(/told/);
    // For whom the place is taken already.
    writeFileSync(join(directory, "acl"), "user rpi-7\ntopic deny #\n");
    await eventually("rules of its own", () => deniedIn(acl()).length === 0);
    await written;
    assert.equal(deniedIn(acl()), ["rpi-7"]);
  });

  test("who comes in by files of another change's writing, in which he is already, is not let out again by his own", async (scope) => {
    const { console, names } = await twoSides(scope);
    let books = booksOf("rpi-7");
    await console.write(reading(() => books));
    const changed = new Map<string, Set<string>>();
    let readings = 0;
    await console.write(async () => {
      if (readings++ === 1) {
        books = booksOf("rpi-7", "esp-1");
        console.note(changed, "esp-1");
      }
      return () => books;
    });
    assert.equal(names(), ["rpi-7", "esp-1"], "it may come in from now on");
    await console.write(async () => {
      assert.equal(names(), ["rpi-7", "esp-1"]);
      return () => books;
    }, changed);
    assert.equal(names(), ["rpi-7", "esp-1"]);
  });

  const moments: readonly (readonly [
    when: string,
    wasIn: boolean,
    at: (note: () => void) => Promise<() => MosquittoBooks>,
  ])[] = [
    [
      "before they are read",
      true,
      async (note) => {
        note();
        return () => booksOf("ann");
      },
    ],
    [
      "while they are put in their place",
      false,
      async (note) => () => {
        queueMicrotask(note);
        return booksOf("ann");
      },
    ],
  ];
  for (const [when, wasIn, at] of moments) {
    test(`who was in before his change is let out for a moment, also where another change's files have him by then: ${when}`, async (scope) => {
      const { console, names, directory } = await twoSides(scope);
      // Nobody is let out for whom no Mosquitto is there.
      await pretended(scope, directory);
      const changed = new Map<string, Set<string>>();
      if (wasIn) await console.write(reading(() => booksOf("ann")));
      let readings = 0;
      // The second reading is the one whose books are put in their place.
      const note = (): void => void (readings++ === 1 && console.note(changed, "ann"));
      await console.write(() => at(note));
      const seen: string[] = [];
      await console.write(async () => {
        seen.push(names().join());
        return () => booksOf("ann");
      }, changed);
      assert.equal(seen.slice(0, 3), ["ann", "ann", ""]);
      assert.equal(names(), ["ann"]);
    });
  }

  test("it is told twice each time: it forgets a word that comes while it is reading for another", async (scope) => {
    const { console, directory } = await twoSides(scope);
    const broker = await pretended(scope, directory);
    assert.is((await console.write(reading(() => booksOf("rpi-7")))).reload, "told");
    await eventually("the second word", () => broker.lines.filter((line) => line === "told").length === 2);
  });

  test("books that have another state at each look are written so many times, and not for ever", async (scope) => {
    const { verb, names } = await twoSides(scope);
    let count = 0;
    await verb.write(reading(() => booksOf(`rpi-${++count}`)));
    assert.is(count, 2 * (maxRewrites + 1));
    assert.equal(names(), [`rpi-${count}`]);
  });
});
