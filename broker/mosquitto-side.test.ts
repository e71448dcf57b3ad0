import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { systemClock } from "#shared/clock";
import { Running } from "../test/programs.ts";
import { eventually, suite, type Scope } from "../test/suite.ts";
import { deniedIn } from "./mosquitto-access.ts";
import { maxRewrites, MosquittoSide, type MosquittoBooks } from "./mosquitto-side.ts";

const booksOf = (...names: string[]): MosquittoBooks => ({
  accounts: names.map((name) => ({ name, role: "device" as const, hash: "$7$101$c2FsdA==$aGFzaA==" })),
  version: names.join(),
});

/** Two programs that write the same files, none of which hears of the other. */
async function twoSides(scope: Scope) {
  const directory = await scope.directory();
  const reach = () => ({ url: "mqtt://127.0.0.1:9" });
  const side = () => new MosquittoSide({ directory, root: "muster", clock: systemClock, reach });
  const names = () => [...readFileSync(join(directory, "passwd"), "utf8").matchAll(/^[^:]+/gm)].map(([name]) => name);
  const acl = () => readFileSync(join(directory, "acl"), "utf8");
  return { directory, verb: side(), console: side(), names, acl };
}

suite("mosquitto's files by two programs", ({ test }) => {
  test("the newest state stands in them, whoever has written last", async (scope) => {
    const { verb, console, names } = await twoSides(scope);
    let books = booksOf("rpi-7", "rpi-8");
    let readings = 0;
    await verb.write(async () => {
      const read = books;
      if (readings++ !== 1) return read;
      // It has read what it is about to write, and somebody is faster.
      books = booksOf("rpi-7");
      await console.write(async () => books);
      assert.equal(names(), ["rpi-7"]);
      return read;
    });
    assert.equal(names(), ["rpi-7"], "a device that was removed");
  });

  test("who is shut out while the files are being written is denied nothing yet: what he has open ends first, and his will goes out", async (scope) => {
    const { console, acl } = await twoSides(scope);
    const shut = (...shutOut: string[]): MosquittoBooks => ({
      ...booksOf("rpi-9"),
      certificates: { shutOut, more: {}, withEnded: new Set(shutOut) },
    });
    await console.write(async () => shut("rpi-7"));
    assert.equal(deniedIn(acl()), ["rpi-7"], "of before its start");
    // Another change's writing, which knows nothing of this one.
    await console.write(async () => shut("rpi-7", "rpi-8"), new Set(["rpi-9"]));
    assert.equal(deniedIn(acl()), ["rpi-7"]);
    await console.write(async () => shut("rpi-7", "rpi-8"), new Set(["rpi-8"]));
    assert.equal(deniedIn(acl()), ["rpi-7", "rpi-8"]);
  });

  test("it is told twice each time: it forgets a word that comes while it is reading for another", async (scope) => {
    const { console, directory } = await twoSides(scope);
    const told =
      'process.title = "mosquitto"; process.on("SIGHUP", () => console.log("told")); setInterval(() => {}, 1e6); console.log(`up ${process.pid}`)';
    const broker = new Running(scope, process.execPath, ["-e", told]);
    const pid = /\d+/.exec(await broker.line(/up/))?.[0];
    writeFileSync(join(directory, "mosquitto.pid"), `${pid}\n`);
    assert.is((await console.write(async () => booksOf("rpi-7"))).reload, "told");
    await eventually("the second word", () => broker.lines.filter((line) => line === "told").length === 2);
  });

  test("books that have another state at each look are written so many times, and not for ever", async (scope) => {
    const { verb, names } = await twoSides(scope);
    let count = 0;
    await verb.write(async () => booksOf(`rpi-${++count}`));
    assert.is(count, 2 * (maxRewrites + 1));
    assert.equal(names(), [`rpi-${count}`]);
  });
});
