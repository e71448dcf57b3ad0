import { readFileSync } from "node:fs";
import { replaceFile } from "#disk/durable-file";
import { EnvironmentError } from "#shared/errors";
import { version } from "#shared/version";
import { chmodSync } from "node:fs";
import { executableFrom } from "../../flash/self-unpacking.ts";
import { runtimeFor } from "../../flash/runtime.ts";
import { machineKindOf } from "../../flash/machine-kinds.ts";
import { agentFile } from "./join-places.ts";

export interface BuildFlags {
  readonly target: string;
  readonly runtime?: string;
  readonly output?: string;
}

/**
 * `muster agent build`: the agent and Node as one executable.
 * @param level of gzip; the usual one where it is not given
 */
export async function buildExecutable(flags: BuildFlags, say: (line: string) => void, level?: number): Promise<void> {
  const target = machineKindOf(flags.target);
  const own = agentFile();
  if (own === undefined) throw new EnvironmentError("the agent's file is not here: build it with npm run build");
  const { node, from } = await runtimeFor(target, flags.runtime, { say });
  say(`Node for ${target.name}: ${from}`);
  const made = executableFrom({ target, node, agent: readFileSync(own), version, level });
  const path = flags.output ?? `muster-agent-${target.name}`;
  replaceFile(path, made);
  chmodSync(path, 0o755);
  say(
    `${path}: ${(made.length / 1e6).toFixed(1)} MB; it unpacks ${Math.ceil(node.length / 1e6)} MB at its first start`,
  );
}
