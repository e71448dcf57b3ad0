import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { diskOf, systemCalls, type Step } from "#disk/calls";
import { EnvironmentError } from "#shared/errors";
import { suite, type Scope } from "../../test/suite.ts";
import { openState } from "./state.ts";
import { systemClock } from "#shared/clock";
import { assertExchanged, exchange, exchangeName, finishExchange, stageIn, staysInPlace } from "./exchange.ts";

const old = { "muster.db": "old", "metrics.db": "old", "secrets/console": "old", "agent/instance": "mine" };
const fresh = { "muster.db": "new", "secrets/console": "new" };

function fill(directory: string, files: Readonly<Record<string, string>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
}

/** A directory with a claim in it, and what is to be in its place. */
async function place(scope: Scope) {
  const directory = join(await scope.directory(), "data");
  const [stage, before] = [stageIn(directory, "0a"), `${directory}.before`];
  fill(directory, { ...old, "console-lock.1-2-3": "" });
  fill(stage, fresh);
  return { directory, stage, before };
}

/** A disk that stops before its call number `at`, as a kill does. */
function stopping(at: number): { readonly disk: ReturnType<typeof diskOf>; readonly reached: () => boolean } {
  let count = 0;
  const disk = diskOf(([name, ...given]: Step) => {
    count += 1;
    if (count >= at) throw Object.assign(new Error("stopped"), { code: "EIO" });
    return (systemCalls[name] as (...all: unknown[]) => unknown)(...given);
  });
  return { disk, reached: () => count >= at };
}

function contents(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const paths = names.map(({ parentPath, name }) => join(parentPath, name));
  return Object.fromEntries(paths.map((path) => [path.slice(directory.length + 1), readFileSync(path, "utf8")]));
}

suite("an exchange of what is in a directory", ({ test }) => {
  test("stopped before any call, it is as it was or is gone on with, and nothing is lost", async (scope) => {
    let [at, reached, halves] = [1, true, 0];
    for (; reached; at += 1) {
      const { directory, stage, before } = await place(scope);
      const stop = stopping(at);
      try {
        exchange(directory, { stage, before }, stop.disk);
      } catch {
        // Looked at below, as the next start would.
      }
      reached = stop.reached();
      const begun = existsSync(join(directory, exchangeName));
      if (begun) assert.throws(() => assertExchanged(directory), /only half.*run it again, or start Muster/);
      halves += Number(begun);
      finishExchange(directory);
      assertExchanged(directory);
      const kept = { "agent/instance": "mine", "console-lock.1-2-3": "" };
      const { "agent/instance": _, ...aside } = old;
      const there = contents(directory);
      if (begun || !reached) {
        assert.equal(there, { ...kept, ...fresh }, `stopped before call ${at}`);
        assert.equal(contents(before), aside, `stopped before call ${at}`);
      } else if (there["muster.db"] === "old") assert.equal(there, { ...kept, ...aside }, `stopped before call ${at}`);
    }
    assert.ok(at > 10 && halves > 5, `${at} calls, ${halves} halves`);
  });

  test("a console that starts goes on with it, and what works beside one does not begin", async (scope) => {
    const { directory, stage, before } = await place(scope);
    assert.throws(
      () => exchange(directory, { stage, before }, stopping(16).disk),
      (error: unknown) => error instanceof EnvironmentError && /goes on with it/.test(error.message),
    );
    assert.throws(() => openState(directory, systemClock), /only half/);
    // Both are no databases, and so set aside; that it is the new one is seen by its bytes.
    openState(directory, systemClock, undefined, { serves: true }).close();
    const damaged = readdirSync(directory).find((name) => name.startsWith("muster.db.damaged"));
    assert.is(readFileSync(join(directory, damaged ?? ""), "utf8"), "new");
  });

  test("what belongs to the machine or to who works there is moved by none", () => {
    for (const name of ["agent", "lost+found", "lock.1-2-3", "console-lock.1-2-3", exchangeName, ".restore-0a"])
      assert.is(staysInPlace(name), true, name);
    for (const name of ["muster.db", "secrets", "agents", "lockers"]) assert.is(staysInPlace(name), false, name);
  });
});
