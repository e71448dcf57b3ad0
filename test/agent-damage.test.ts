import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Command } from "../console/desk/command.ts";
import { brokerKinds, startFleet } from "./fleet.ts";
import { mortal } from "./mortal.ts";
import { fillDisk, smallDisk } from "./small-disk.ts";
import { eventually, suite } from "./suite.ts";

/** Ways in which a ledger goes, and whether a person is told of it: what reads all the same is no loss. */
const losses: Readonly<Record<string, { damage(path: string): void; told: RegExp | null }>> = {
  "a flipped bit in the last newline": { damage: (path) => flip(path, (bytes) => bytes.length - 1), told: null },
  "a file that was removed": { damage: (path) => rmSync(path), told: /ledger.* is gone/ },
};

function flip(path: string, place: (bytes: Buffer) => number): void {
  const bytes = readFileSync(path);
  const at = place(bytes);
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
}

for (const kind of brokerKinds) {
  suite(`a ledger that is lost, over ${kind}`, ({ test }) => {
    test(
      "no command that may not run twice runs twice, whatever becomes of the ledger",
      async (scope) => {
        let loss = losses["a flipped bit in the last newline"];
        const { fleet, ended, effects } = await mortal(scope, kind, (directory) =>
          loss?.damage(join(directory, "ledger")),
        );
        for (const [name, next] of Object.entries(losses)) {
          loss = next;
          const command = await ended("fail", { die: "after" });
          const said = `${name}: ${command.state} ${JSON.stringify(command.error)}`;
          assert.is(effects(command.id), 1, said);
          assert.is(command.state, "interrupted", said);
          await eventually(`${name} is told`, () => {
            const { problem = null } = fleet.console.registry.get("rpi-7") ?? {};
            return next.told ? next.told.test(problem ?? "") : problem === null;
          });
          // What comes later is as ever, and what may run again does.
          assert.is((await ended("fail")).state, "succeeded", name);
        }
        assert.is((await ended("rerun", { die: "after" })).state, "succeeded");
      },
      { seconds: 60 },
    );
  });
}

suite("an agent whose disk is full", ({ test }) => {
  test("what is harmless is carried out, and what has an effect is refused", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await smallDisk(scope, 256);
    const agent = fleet.newAgent("rpi-7", { directory, interval: 60_000 });
    let effects = 0;
    agent.handle("count", { run: () => ({ effects: ++effects }) });
    agent.start();
    await fleet.sees("rpi-7", true);
    const filler = fillDisk(directory);
    const send = async (key: string, args = {}): Promise<Command> => {
      try {
        return await fleet.console.send("rpi-7", { key, args });
      } catch (error) {
        return (error as { details: { command: Command } }).details.command;
      }
    };
    // What room there is left is that of the ledger's last page: it takes some lines.
    await eventually("the ledger refuses", async () => (await send("count")).error?.code === "no-room");
    const before = effects;
    for (const key of ["ping", "info", "report"]) {
      const { state, error } = await send(key);
      assert.is(state, "succeeded", `${key}: ${JSON.stringify(error)}`);
    }
    assert.is((await send("cancel", { id: "nobody" })).state, "succeeded");
    assert.is((await send("count")).error?.code, "no-room");
    assert.is(effects, before);
    rmSync(filler);
    assert.is((await send("count")).state, "succeeded");
  });
});

suite("an agent whose file instance is damaged", ({ test }) => {
  test("it comes online by itself, and says so", async (scope) => {
    const fleet = await startFleet(scope, "embedded");
    const directory = await scope.directory();
    const path = join(directory, "instance");
    const run = async (): Promise<void> => {
      const agent = await fleet.agent("rpi-7", { directory, interval: 60_000 });
      await agent.stop();
      await fleet.sees("rpi-7", false);
    };
    const problem = (): string => fleet.console.registry.get("rpi-7")?.problem ?? "";
    await run();
    assert.is(problem(), "");
    const files = [
      ...[0, 15, 25].map((at) => (bytes: Buffer) => Object.assign(bytes, { [at]: (bytes[at] ?? 0) ^ 0x80 })),
      // As an earlier version wrote it.
      () => Buffer.from("01234\u00076789\n"),
    ];
    for (const damaged of files) {
      writeFileSync(path, damaged(readFileSync(path)));
      await run();
      assert.match(problem(), /"instance" did not read/);
      await run();
      assert.is(problem(), "");
    }
    // A new disk.
    await fleet.agent("rpi-7", { directory: await scope.directory(), interval: 60_000 });
  });
});
