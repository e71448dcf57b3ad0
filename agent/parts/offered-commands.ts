import type { CountedDisk } from "#disk/counted-disk";
import type { CommandId } from "#shared/ids";
import type { Json } from "#shared/messages/payload-schema";
import { version } from "#shared/version";
import type { AgentOptions } from "../agent-options.ts";
import { builtins } from "../builtins.ts";
import { rebootMachine, restartCommand } from "../commands/comeback.ts";
import { commandFilter } from "../commands/command-filter.ts";
import type { Executor } from "../commands/executor.ts";
import type { Handler } from "../commands/handler.ts";
import type { Ledger } from "../commands/ledger.ts";
import { signersCommand } from "../commands/signers-command.ts";
import { configureCommand } from "../configuration/configure-command.ts";
import { samplerFaults } from "../configuration/sampler-faults.ts";
import type { Introduction } from "../introduction.ts";
import type { Signers } from "../signers.ts";
import type { ConnectionHistory } from "../support/connection-history.ts";
import { supportCommands } from "../support/support-commands.ts";
import { supportState } from "../support/support-state.ts";
import { writings, type Writings } from "../support/writings.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";
import type { measuringParts } from "./measuring-parts.ts";

interface Commanded extends Pick<ReturnType<typeof measuringParts>, "sampler" | "preferences" | "own" | "outbox"> {
  readonly introduction: Introduction;
  readonly executor: Pick<Executor, "cancel">;
  readonly ledger: Ledger;
  readonly signers: Signers;
  readonly connections: ConnectionHistory;
  readonly disk: CountedDisk;
  /** Those of updating, where there is any. */
  readonly updates: Readonly<Record<string, Handler>> | undefined;
  /** Those of files, as far as the machine allows any. */
  readonly files: Readonly<Record<string, Handler>>;
  readonly announce: () => void;
}

/** Where a command goes that is offered, and one that the agent is told not to offer. */
interface Shelves {
  readonly handlers: Map<string, Handler>;
  readonly withheld: Map<string, Handler>;
}

/** The commands that the agent has by itself, as far as it is to offer them. @returns whether it may offer one of a key */
export function offerCommands(
  given: AgentSurroundings,
  parts: Commanded,
  { handlers, withheld }: Shelves,
): (key: string) => boolean {
  const isAllowed = commandFilter(given.options.allow);
  for (const [key, handler] of Object.entries(commandsOf(given, parts)))
    (isAllowed(key) ? handlers : withheld).set(key, handler);
  return isAllowed;
}

function commandsOf(given: AgentSurroundings, parts: Commanded): Record<string, Handler> {
  const { options, runId, clock } = given;
  const { configuring } = options;
  const began = clock.monotonic();
  const wrote = (): Writings => writings(parts.disk.wrote, clock.monotonic() - began);
  const { sampler, preferences, own, outbox, introduction, executor, ledger, signers, connections, announce } = parts;
  const settingsNow = (): Json | undefined => configuring?.told;
  const told = { introduction, settings: settingsNow, outbox, wrote, ledger, own, connections, runId, clock };
  return {
    ...builtins({
      sampler,
      preferences,
      metrics: () => own.status(),
      outbox,
      disk: wrote,
      runId,
      version,
      facts: () => introduction.facts,
      settings: settingsNow,
      announce,
      stop: (reason) => void given.stop(reason),
      cancel: (id: CommandId) => executor.cancel(id),
    }),
    ...supportCommands({
      recent: given.recentLog,
      state: () => supportState(told),
      secrets: () => secretsOf(options),
      after: (ms, run) => clock.after(ms, run),
    }),
    ...(signers.required ? { "set-signers": signersCommand(signers, announce) } : {}),
    ...comebacks(given),
    ...parts.updates,
    ...parts.files,
    ...rotation(options.rotateSecret),
    ...(configuring
      ? { configure: configureCommand(configuring, (those) => samplerFaults(those, sampler), announce) }
      : {}),
  };
}

/** What nobody is to read in what the agent tells. */
function secretsOf({ password }: AgentOptions): string[] {
  return [typeof password === "string" ? password : password.current];
}

/** Only the hash goes out, and the same one each time until the new secret is in use. */
function rotation(rotate: AgentOptions["rotateSecret"]): Record<string, Handler> {
  if (!rotate) return {};
  const title = "Make another secret, for the console to let in: muster device NAME --rotate-secret";
  return { "rotate-secret": { title, onInterrupt: "rerun", run: () => ({ hash: rotate() }) } };
}

/** The commands that end this run for another one, where somebody has said how. */
function comebacks({ options, clock, stop }: AgentSurroundings): Record<string, Handler> {
  const { restart, rebootCommand } = options;
  return {
    ...(restart ? { restart: restartCommand(() => void stop("restart").then(restart), clock) } : {}),
    ...(rebootCommand ? { reboot: rebootMachine(rebootCommand, clock) } : {}),
  };
}
