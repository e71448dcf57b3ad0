import { constants } from "node:fs";
import { open, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import { asError, BadInputError, errorCode } from "#shared/errors";
import { quoted } from "#shared/printable";
import { distrust } from "#shared/trust";

/** A command's key takes `exec:` and this. */
const namePattern = /^[a-z0-9][a-z0-9._-]{0,57}$/;
const executable = constants.S_IXUSR | constants.S_IXGRP | constants.S_IXOTH;

/**
 * The path of an executable that may be run: looked at when the agent starts and again before each run, because
 * between the two it may have been replaced. After that only root and the agent's user can replace it: neither the file nor any
 * directory above it is writable by others or belongs to them.
 * @param directory the executables' directory, as a real path
 * @throws BadInputError that says why it may not
 */
export async function safePath(directory: string, name: string): Promise<string> {
  if (!namePattern.test(name))
    throw new BadInputError(
      `its name ${quoted(name)} is not valid: expected 1 to 58 of a-z, 0-9, ".", "_" and "-", beginning with a letter or digit`,
    );
  const path = join(directory, name);
  try {
    await assertInside(directory, path);
    await assertExecutable(path);
    // The directory as well: with a sticky bit it would pass as one of those above the file, and anybody could add to it.
    const why = distrust(directory) ?? distrust(path);
    if (why !== undefined) throw new BadInputError(why);
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    if (errorCode(error) === "ENOENT") throw new BadInputError("it does not exist");
    throw new BadInputError(`it cannot be looked at: ${asError(error).message}`);
  }
  return path;
}

/** The real path of the directory. @throws BadInputError where somebody else than root and the agent's user could put a file there */
export async function safeDirectory(directory: string): Promise<string> {
  const path = await realpath(directory);
  const why = distrust(path);
  if (why !== undefined) throw new BadInputError(why);
  return path;
}

async function assertInside(directory: string, path: string): Promise<void> {
  const real = await realpath(path);
  if (!real.startsWith(directory + sep)) throw new BadInputError("it is a link that leads out of the directory");
}

async function assertExecutable(path: string): Promise<void> {
  const file = await stat(path);
  if (!file.isFile()) throw new BadInputError("it is not a regular file");
  if (!(file.mode & executable)) throw new BadInputError("it is not executable; make it so: chmod +x");
  if (await isBareText(path)) throw new BadInputError("it is a script without a #! line, which only a shell would run");
}

/** execvp hands a text file without `#!` to /bin/sh: nothing here goes through a shell that was not asked for. */
async function isBareText(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(256), 0, 256, 0);
    const head = buffer.subarray(0, bytesRead);
    return !head.toString("latin1").startsWith("#!") && !head.includes(0);
  } finally {
    await file.close();
  }
}
