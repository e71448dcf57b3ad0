import { writeFileSync } from "node:fs";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { suite, type Scope } from "../test/suite.ts";
import { Child } from "./child.ts";

async function start(scope: Scope, program: string): Promise<Child> {
  const directory = await scope.directory();
  const path = join(directory, "program.mjs");
  writeFileSync(path, program);
  const settings = {
    who: "dev-a",
    directory,
    home: directory,
    mqttPort: 0,
    embedded: true,
    mqtt: "auto",
    password: "",
  } as const;
  const child = new Child(path, settings, () => {});
  scope.cleanup(() => child.end());
  child.start();
  return child;
}

suite("chaos: a process that is told to die nowhere", ({ test }) => {
  test("has heard it, or is known to be dead", async (scope) => {
    const living = await start(
      scope,
      `process.on("message", () => process.send({ answer: "disarmed" })); process.send("ready");`,
    );
    await living.ready();
    await living.disarm();
    assert.is(living.alive, true);

    const dying = await start(
      scope,
      `process.on("message", () => setTimeout(() => process.kill(process.pid, "SIGKILL"), 50)); process.send("ready");`,
    );
    await dying.ready();
    await dying.disarm();
    assert.is(dying.alive, false);
    await dying.disarm();
  });

  test("does not serve because it has answered", async (scope) => {
    const child = await start(
      scope,
      `process.on("message", () => {
         process.send({ answer: "disarmed" });
         setTimeout(() => process.send("a boot id"), 20);
       });`,
    );
    await child.disarm();
    await child.ready();
    assert.is(child.said, "a boot id");
  });
});
