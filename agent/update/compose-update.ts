import type { Clock } from "#shared/clock";
import type { Log } from "#shared/log";
import type { AgentOptions } from "../agent-options.ts";
import type { Handler } from "../commands/handler.ts";
import { KnownReleaseFile } from "./known-release.ts";
import { Trial, type TrialOptions } from "./trial.ts";
import { updateCommands } from "./update-command.ts";
import { Versions } from "./agent-versions.ts";

interface Surroundings {
  readonly options: AgentOptions;
  readonly clock: Clock;
  readonly log: Log;
  readonly stop: (reason: string) => Promise<void>;
}

/** Updating, where the starter has begun this agent: a trial, if this is one, and the commands, if a key is pinned. */
export function composeUpdate(
  { options, clock, log, stop }: Surroundings,
  { report, ca }: Pick<TrialOptions, "report"> & { readonly ca: () => string | undefined },
): { readonly trial: Trial | undefined; readonly commands: Record<string, Handler> } | undefined {
  const { update, restart: end, directory } = options;
  if (!update || !end || directory === undefined) return undefined;
  const { roots, origin, build, target = "node" } = update;
  const versions = new Versions(update);
  const trial =
    versions.trial === undefined
      ? undefined
      : new Trial({ versions, clock, log, report, stop: async () => stop("the update has not proven itself"), end });
  const restart = (): void => void stop("update").then(end);
  const known = new KnownReleaseFile(directory);
  const commands =
    roots.length === 0
      ? {}
      : updateCommands({ versions, known, roots, origin, trust: ca, build, target, trial, clock, log, restart });
  return { trial, commands };
}
