import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import type { Fleet } from "./fleet.ts";
import { Running } from "./programs.ts";
import { eventually, type Scope } from "./suite.ts";

interface Reporting {
  readonly scope: Scope;
  readonly fleet: Fleet;
  /** What runs Node, and what it is told before the agent's file. */
  readonly command: readonly [program: string, ...args: string[]];
  /** The agent's file, where the command is not the agent itself. */
  readonly file?: readonly string[];
  /** Which Node it must be. */
  readonly version: string;
  /** Seconds that the agent may take to start, and again to be seen. */
  readonly patience?: number;
}

/** The agent's file on some Node: it connects, keeps samples on its disk and sends them, runs an executable, and complains of nothing. */
export async function reportsAndObeys({
  scope,
  fleet,
  command,
  file = ["dist/muster-agent.cjs"],
  version,
  patience = 20,
}: Reporting): Promise<void> {
  const { console } = fleet;
  const url = fleet.url.replace("//", `//rpi-7:${fleet.secretOf("rpi-7")}@`);
  const [data, commands] = [await scope.directory(), await scope.directory()];
  await writeFile(join(commands, "hello"), "#!/bin/sh\necho {}\n", { mode: 0o755 });
  const settings = ["--interval", "1s", "--data", data, "--exec-directory", commands, "--mqtt-url", url];
  const [program, ...args] = command;
  const agent = new Running(scope, program, [...args, ...file, ...settings]);
  await agent.line(/agent rpi-7 reports to mqtt:/, patience);
  await eventually("the agent online", () => console.registry.get("rpi-7")?.online, patience);
  await eventually("its facts", () => console.registry.get("rpi-7")?.facts["node"] === version, patience);
  for (const key of ["ping", "exec:hello", "report"]) {
    const answer = await console.send("rpi-7", { key }, { timeout: patience * 1_000 });
    assert.is(answer.state, "succeeded", JSON.stringify(answer));
  }
  await eventually("its samples stored and acknowledged, from its disk", async () => {
    const { result } = await console.send("rpi-7", { key: "info" }, { timeout: patience * 1_000 });
    const { batches, ...rest } = (result as { outbox: Record<string, number> }).outbox;
    return batches === 0 && assert.equal(rest, { bytes: 0, dropped: 0, gaps: 0 }) === undefined;
  });
  assert.ok(console.registry.latest("rpi-7").some(({ measurement }) => measurement === "mem"));
  assert.is(await agent.kill("SIGTERM"), 0);
  await fleet.sees("rpi-7", false);
  const said = agent.lines.filter((line) => /warn|error/i.test(line));
  assert.equal(said, [], "it complained of nothing");
}
