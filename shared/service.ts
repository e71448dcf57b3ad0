import { asError, BadInputError, EnvironmentError, messageWithCauses, SettingsError } from "#shared/errors";
import { Lifetime } from "#shared/lifetime";
import { forTerminal, forTerminalBlock } from "#shared/printable";
import type { SafetyNet } from "#shared/safety-net";

/**
 * Runs what `begin` starts until SIGINT or SIGTERM, then stops it in reverse. From when it is up, whatever nobody caught is caught by
 * the net and costs nothing else, however often it comes: a process that ended on the tenth fault could be ended by whoever finds one.
 * Before that it is a failed start.
 * @throws what `begin` throws, with everything undone
 */
export async function serve(begin: (lifetime: Lifetime) => Promise<void>, net: SafetyNet): Promise<void> {
  const lifetime = new Lifetime();
  endOnSignals(lifetime);
  outliveReaders();
  catchTheRest(lifetime, net);
  await lifetime.start(() => begin(lifetime));
  lifetime.up();
}

function catchTheRest(lifetime: Lifetime, net: SafetyNet): void {
  const caught = (thrown: unknown): void => {
    if (lifetime.isUp) net.caught(`nowhere else: ${frameOf(thrown)}`, thrown);
    else fail(thrown);
  };
  process.on("uncaughtException", caught).on("unhandledRejection", caught);
}

/** Where an error was made: the file and line of its first frame, without the directories that lead there. */
function frameOf(thrown: unknown): string {
  const stack = thrown instanceof Error ? String(thrown.stack) : "";
  return /^\s+at .*?([^/\\\s(]+:\d+):\d+\)?$/m.exec(stack)?.[1] ?? "no stack";
}

/** Nobody reads what is printed, or the disk behind it is full: no reason to end what it tells about. Said once. */
function outliveReaders(): void {
  const said = (error: Error): void => {
    process.stderr.write(`muster: what is printed cannot be written (${error.message}); everything goes on\n`);
  };
  process.stdout
    .removeAllListeners("error")
    .once("error", said)
    .on("error", () => {});
}

function endOnSignals(lifetime: Lifetime): void {
  let stopping = false;
  const end = (): void => {
    // The second signal does not wait for what the first one waits for.
    if (stopping) process.exit(1);
    stopping = true;
    lifetime.stop().then(() => process.exit(0), fail);
  };
  process.on("SIGINT", end).on("SIGTERM", end);
}

/** Ends the process: what went wrong is told in sentences, with exit status 1, or 2 for wrong settings. */
export function fail(thrown: unknown): never {
  const error = asError(thrown);
  const told = error instanceof EnvironmentError || error instanceof BadInputError || error.name === "ApiError";
  const text = told ? messageWithCauses(error) : (error.stack ?? error.message);
  // The console's sentences may hold what a device said: each is one line. Of others only the first begins with our name.
  const one = error.name === "ApiError" ? forTerminal(text) : text;
  for (const problem of error instanceof SettingsError ? error.problems : [one])
    process.stderr.write(`muster: ${forTerminalBlock(problem).replaceAll("\n", "\n  ")}\n`);
  process.exit(error instanceof SettingsError ? 2 : 1);
}
