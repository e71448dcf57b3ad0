import { readdir } from "node:fs/promises";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Handler } from "../handler.ts";
import { offersOf } from "../../presence.ts";
import { Executable } from "./executable.ts";
import { safeDirectory } from "./file.ts";

export interface ExecutablesOptions {
  /** Where the executables are; also the directory that they run in. */
  readonly directory: string;
  /** The names that may be run; all of the directory, where it is left out. */
  readonly allow?: readonly string[];
  readonly log: Log;
  readonly clock: Clock;
  /** The device's id, which they find in `MUSTER_DEVICE`. */
  readonly device?: string;
  /** Aborted when the agent stops: ends what still describes itself or verifies. */
  readonly signal?: AbortSignal;
}

/** Executables that describe themselves at the same time. */
const atOnce = 4;
/** Bytes of all descriptions together: the presence that carries them is refused above 32 KiB. */
const announcedCap = 16 * 1024;

/**
 * The commands that the executables of a directory carry out, by key (`exec:NAME`). Each is run once with `--describe`;
 * what cannot be offered is left out, with a sentence in the log. Never rejects: an agent without its executables
 * is still an agent.
 */
export async function loadExecutables(options: ExecutablesOptions): Promise<Map<string, Handler>> {
  const { directory, log } = options;
  try {
    const real = await safeDirectory(directory);
    const names = chosen(await readdir(real), options);
    return announceable(await describeAll(names, { ...options, directory: real }), log);
  } catch (thrown) {
    log.warn({ directory }, `no executables are offered: ${asError(thrown).message}`);
    return new Map();
  }
}

interface Found {
  readonly name: string;
  readonly handler: Handler;
}

/** The names to ask, sorted, so that a list of commands does not change from start to start. */
function chosen(names: readonly string[], { allow, directory, log }: ExecutablesOptions): string[] {
  for (const name of allow ?? []) {
    if (!names.includes(name)) log.warn({ directory, name }, `"${name}" is allowed but is not in the directory`);
  }
  // Names with a dot first are no commands: .gitkeep, an editor's swap file.
  return names.filter((name) => (allow ? allow.includes(name) : !name.startsWith("."))).sort();
}

async function describeAll(names: readonly string[], options: ExecutablesOptions): Promise<Found[]> {
  const left = names.values();
  const found: Found[] = [];
  const worker = async (): Promise<void> => {
    for (const name of left) {
      const one = await describe(name, options);
      if (one) found.push(one);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return found.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function describe(name: string, options: ExecutablesOptions): Promise<Found | undefined> {
  const executable = new Executable(name, options);
  try {
    return { name, handler: executable.handler(await executable.describe()) };
  } catch (thrown) {
    options.log.warn({ name }, `exec:${name} is not offered: ${asError(thrown).message}`);
    return undefined;
  }
}

function announceable(found: readonly Found[], log: Log): Map<string, Handler> {
  const handlers = new Map<string, Handler>();
  let room = announcedCap;
  for (const { name, handler } of found) {
    const key = `exec:${name}`;
    const size = Buffer.byteLength(JSON.stringify(offersOf(new Map([[key, handler]]))));
    if (size > room) {
      log.warn({ name }, `${key} is not offered: all descriptions together exceed ${announcedCap} bytes`);
      continue;
    }
    room -= size;
    handlers.set(key, handler);
  }
  return handlers;
}
