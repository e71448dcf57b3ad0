import { asError, BadInputError, EnvironmentError, messageWithCauses, SettingsError } from "#shared/errors";
import { Lifetime } from "#shared/lifetime";

/** Runs what `begin` starts until SIGINT or SIGTERM, then stops it in reverse. @throws what `begin` throws, with everything undone */
export async function serve(begin: (lifetime: Lifetime) => Promise<void>): Promise<void> {
  const lifetime = new Lifetime();
  endOnSignals(lifetime);
  try {
    await begin(lifetime);
  } catch (error) {
    await lifetime.stop().catch(() => {});
    throw error;
  }
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
  if (error instanceof SettingsError) process.stderr.write(`muster: ${error.problems.join("\nmuster: ")}\n`);
  else process.stderr.write(`muster: ${told ? messageWithCauses(error) : (error.stack ?? error.message)}\n`);
  process.exit(error instanceof SettingsError ? 2 : 1);
}
