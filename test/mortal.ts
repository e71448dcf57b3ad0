import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { AgentOptions } from "../agent/agent.ts";
import type { ConsoleOptions } from "../console/console.ts";
import type { Command } from "../console/desk/command.ts";
import { builtProgram } from "./built-program.ts";
import { startFleet, type BrokerKind, type Fleet } from "./fleet.ts";
import { Running } from "./programs.ts";
import type { Scope } from "./suite.ts";

/**
 * A fleet with one agent that is begun again whenever it dies, as a service manager does it.
 * @param between what happens to its directory before it is begun again
 * @param more options of the console, and of the agent as they pass through JSON
 */
export async function mortal(
  scope: Scope,
  kind: BrokerKind,
  between: (directory: string) => void = () => {},
  more: { readonly console?: Partial<ConsoleOptions>; readonly agent?: Partial<AgentOptions> } = {},
) {
  const fleet = await startFleet(scope, kind, more.console);
  const directory = await scope.directory();
  const effects = join(directory, "effects");
  const settings = {
    effects,
    device: "rpi-7",
    url: fleet.url,
    password: fleet.secretOf("rpi-7"),
    directory,
    mqttVersion: kind === "embedded" ? 4 : "auto",
    ...more.agent,
  };
  const program = await builtProgram("mortal-agent");
  let stopped = false;
  let starts = 0;
  let current: Running;
  // One cleanup for all of them: undone one by one, each would be followed by its successor.
  const unscoped: Scope = { ...scope, cleanup: () => {} };
  const begin = (): void => {
    if (stopped) return;
    if (starts > 0) between(directory);
    starts += 1;
    current = new Running(unscoped, process.execPath, [program, JSON.stringify(settings)]);
    current.child.once("close", begin);
  };
  begin();
  scope.cleanup(() => {
    stopped = true;
    return current.kill("SIGKILL");
  });
  await fleet.sees("rpi-7", true);
  return {
    fleet,
    directory,
    starts: () => starts,
    kill: () => current.kill("SIGKILL"),
    effects: (id: string) =>
      existsSync(effects)
        ? readFileSync(effects, "utf8")
            .split("\n")
            .filter((line) => line === id).length
        : 0,
    /** Sends with a long patience and tells how it ended. */
    ended: (key: string, args = {}) => end(fleet, key, args),
  };
}

async function end(fleet: Fleet, key: string, args: object): Promise<Command> {
  try {
    return await fleet.console.send(
      "rpi-7",
      { key, args: args as Record<string, never> },
      { ttl: "1m", timeout: "30s" },
    );
  } catch (error) {
    return (error as { details: { command: Command } }).details.command;
  }
}
