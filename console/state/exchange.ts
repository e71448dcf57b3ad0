import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join, relative, resolve } from "node:path";
import * as z from "zod/mini";
import { call, systemDisk, type Disk } from "#disk/calls";
import { makeDirectory, replaceFile, syncDirectory } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { EnvironmentError, errorCode } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";

/** By this file an exchange that was cut off is known, and gone on with. */
export const exchangeName = "restoring.json";
const stagePrefix = ".restore-";
/** Of this machine and of who works in the directory; no backup has them. */
const stays = new Set(["agent", "lost+found", exchangeName]);
const claims = /^(console-)?lock\./;

/** Paths are relative to the directory, which may be called another thing next time: a container's, say. */
const plan = z.object({
  /** What is to be in the directory. */
  stage: z.string(),
  /** Where what is in it goes. */
  before: z.string(),
  /** Whether that has gone. */
  aside: z.boolean(),
});
type Plan = z.output<typeof plan>;

/** Where what is to be in the directory is gathered: on the same file system, whatever is mounted where. */
export function stageIn(directory: string, name: string): string {
  return join(directory, stagePrefix + name);
}

/** Whether a file of this name in a data directory is nothing that an exchange moves, and nothing that a backup may bring. */
export function staysInPlace(name: string): boolean {
  return stays.has(name) || claims.test(name) || isLeft(name);
}

/**
 * Puts what is in `stage` in the place of what is in the directory, whose holder is the caller. Cut off at any step, it is finished by
 * {@link finishExchange}: nothing is removed, and what was there goes as a whole before anything comes.
 * @param before where what is in the directory goes: a directory that is not there yet, on the same file system
 */
export function exchange(
  directory: string,
  { stage, before }: Pick<Plan, "stage" | "before">,
  disk: Disk = systemDisk,
): void {
  const relativeTo = (path: string): string => relative(resolve(directory), resolve(path));
  note(directory, { stage: relativeTo(stage), before: relativeTo(before), aside: false }, disk);
  finishExchange(directory, disk);
}

/** Goes on with an exchange that was cut off; removes what one has left that had not begun. The caller holds the directory. @throws EnvironmentError where it cannot */
export function finishExchange(directory: string, disk: Disk = systemDisk): void {
  const begun = read(directory);
  if (begun === undefined) return removeStages(directory);
  const [stage, before] = [resolve(directory, begun.stage), resolve(directory, begun.before)];
  try {
    if (!begun.aside) {
      const going = readdirSync(directory).filter((name) => !staysInPlace(name) && name !== basename(before));
      if (going.length > 0) {
        makeDirectory(before, 0o700, disk);
        move(going, directory, before, disk);
      }
      note(directory, { ...begun, aside: true }, disk);
    }
    if (existsSync(stage)) move(readdirSync(stage), stage, directory, disk);
    disk.now(call("remove", join(directory, exchangeName)));
    syncDirectory(directory, disk);
    removeStages(directory);
  } catch (cause) {
    const why = errorCode(cause) ?? String(cause);
    throw new EnvironmentError(
      `a backup is only half in the place of what was in ${directory} (${why}): what was there before is in ${before}, what is to come in ${stage}; once the cause is gone, muster start or muster restore goes on with it`,
      { cause },
    );
  }
}

/** @throws EnvironmentError where an exchange was cut off: by who does not hold the directory */
export function assertExchanged(directory: string): void {
  if (!existsSync(join(directory, exchangeName))) return;
  throw new EnvironmentError(
    `a backup is only half in the place of what was in ${directory}, because muster restore was cut off: run it again, or start Muster, which goes on with it`,
  );
}

function read(directory: string): Plan | undefined {
  const path = join(directory, exchangeName);
  if (!existsSync(path)) return undefined;
  try {
    return check(plan, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), exchangeName);
  } catch (cause) {
    throw new EnvironmentError(
      `a backup is only half in the place of what was in ${directory}, and ${path}, which says where the rest is, does not read: look for ${stagePrefix}… in it and ${basename(resolve(directory))}.before-… beside it`,
      { cause },
    );
  }
}

function note(directory: string, what: Plan, disk: Disk): void {
  replaceFile(join(directory, exchangeName), `${JSON.stringify(what)}\n`, disk);
}

/** For good, once this returns. */
function move(names: readonly string[], from: string, to: string, disk: Disk): void {
  for (const name of names) disk.now(call("rename", join(from, name), join(to, name)));
  syncDirectory(to, disk);
  syncDirectory(from, disk);
}

/** What a restore that was cut off leaves: what it had unpacked, and the beginning of its note. */
function isLeft(name: string): boolean {
  return name.startsWith(stagePrefix) || name.startsWith(`${exchangeName}.`);
}

function removeStages(directory: string): void {
  for (const name of readdirSync(directory))
    if (isLeft(name)) rmSync(join(directory, name), { recursive: true, force: true });
}
