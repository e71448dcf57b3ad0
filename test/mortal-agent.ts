import { appendFileSync, existsSync, readFileSync } from "node:fs";
import * as z from "zod/mini";
import { Agent } from "../agent/agent.ts";

/**
 * An agent in a process of its own whose handlers leave a line in a file and may kill the process without warning:
 * for tests of what becomes of a command then. Its settings come as JSON in the first argument.
 */
const { effects, ...options } = JSON.parse(process.argv[2] ?? "{}") as {
  effects: string;
  device: string;
  url: string;
  password: string;
  directory: string;
  mqttVersion: 4 | "auto";
};
const agent = new Agent({ ...options, interval: 60_000, rebootCommand: ["true"], restart: () => process.exit(75) });
const dying = z.object({ die: z.optional(z.enum(["before", "after"])) });

function effect(id: string, die?: "before" | "after"): void {
  if (die === "before") process.kill(process.pid, "SIGKILL");
  appendFileSync(effects, `${id}\n`);
  if (die === "after") process.kill(process.pid, "SIGKILL");
}

function happened(id: string): boolean {
  return existsSync(effects) && readFileSync(effects, "utf8").split("\n").includes(id);
}

for (const onInterrupt of ["fail", "rerun", "verify"] as const) {
  agent.handle(onInterrupt, {
    args: dying,
    onInterrupt,
    run: ({ die }, { command }) => {
      // A second beginning does not die again: what is tested is the first.
      effect(command.id, onInterrupt === "rerun" && happened(command.id) ? undefined : die);
      return { done: true };
    },
    verify: (_, { command }) => {
      if (!happened(command.id)) throw new Error("it did not happen");
      return { verified: true };
    },
  });
}
agent.handle("deadly", { onInterrupt: "rerun", run: (_, { command }) => effect(command.id, "after") });
agent.handle("lasting", {
  onInterrupt: "fail",
  run: async (_, { command, signal }) => {
    effect(command.id);
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
});
agent.handle("slow", {
  onInterrupt: "fail",
  args: z.object({ ms: z.number() }),
  run: async ({ ms }, { command }) => {
    await new Promise((resolve) => setTimeout(resolve, ms));
    effect(command.id);
  },
});
agent.start();
console.log(`up ${agent.runId}`);
