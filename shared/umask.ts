/** Nothing for group and others: what Muster keeps is for its user alone. */
const strict = 0o077;
let given: number | undefined;

/** From now on this process makes files and directories for its own user alone, whatever the shell or service manager has set. */
export function keepFilesPrivate(): void {
  given ??= process.umask(strict);
}

/** Starts other people's programs: with the umask that this process was given, as if Muster had changed nothing. */
export function withGivenUmask<T>(start: () => T): T {
  if (given === undefined) return start();
  process.umask(given);
  try {
    return start();
  } finally {
    process.umask(strict);
  }
}
