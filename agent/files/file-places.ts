import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from "node:fs";
import { asError, errorCode } from "#shared/errors";
import { CommandError } from "../commands/handler.ts";
import { OutOfReach } from "./out-of-reach.ts";

/** Which files of this machine may be asked for, and which may be put: decided here alone. */
export interface FilePlacesOptions {
  /** Directories below which files may be read, and below which they may be written. Links in their own paths are followed: they are this machine's word. */
  readonly from: readonly string[];
  readonly into: readonly string[];
  /** Files and directories that stay out of reach wherever these lie: the agent's own, and what it runs. */
  readonly own: readonly string[];
}

/** A directory that was reached without following a link, and the name of a file in it. */
export interface FilePlace {
  /** A descriptor of the directory. */
  readonly directory: number;
  readonly name: string;
  /** What stands there; undefined where nothing does. */
  readonly there: Stats | undefined;
}

/** Levels of directories below one that is allowed. */
export const maxFileDepth = 32;

const noFollow = constants.O_NOFOLLOW;
const directoryAlone = constants.O_RDONLY | constants.O_DIRECTORY;
/** Nothing is waited for, and no terminal taken, whatever has come to stand there. */
const harmless = constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * Reaches files below allowed directories, one level after the other from an open directory, as openat(2) does it: by Linux' `/proc/self/fd`.
 * So a link is not followed wherever it stands, and a directory that is exchanged meanwhile changes nothing.
 */
export class FilePlaces {
  readonly #options: FilePlacesOptions;

  constructor(options: FilePlacesOptions) {
    this.#options = options;
  }

  /** Opens a regular file for reading. The caller closes it. @throws CommandError that says why not */
  openFile(path: string): number {
    const { from } = this.#options;
    return this.within("read", from, path, ({ directory, name, there }, outOfReach) => {
      if (there === undefined) throw new CommandError("not-there", `there is no ${path}`);
      if (!there.isFile()) throw new CommandError("not-a-file", `${path} is ${kindOf(there)}: expected a regular file`);
      const file = openSync(pathIn(directory, name), constants.O_RDONLY | noFollow | harmless);
      try {
        if (!fstatSync(file).isFile()) throw new CommandError("not-a-file", `${path} is no regular file any more`);
        if (outOfReach.has(file) || outOfReach.hasSecondName(file)) throw ownFile(path);
        return file;
      } catch (thrown) {
        closeSync(file);
        throw thrown;
      }
    });
  }

  /** Does `work` with the place of a file that may be written. @throws CommandError that says why not */
  async inPlace<T>(path: string, work: (place: FilePlace) => Promise<T>): Promise<T> {
    const place = this.within("written", this.#options.into, path, ({ directory, ...rest }) => ({
      ...rest,
      // The one of before is closed.
      directory: openSync(pathIn(directory, "."), directoryAlone),
    }));
    try {
      return await work(place);
    } finally {
      closeSync(place.directory);
    }
  }

  private within<T>(
    what: string,
    allowed: readonly string[],
    path: string,
    work: (place: FilePlace, outOfReach: OutOfReach) => T,
  ): T {
    const base = longest(allowed.map(withoutSlash).filter((one) => path.startsWith(`${one}/`)));
    if (base === undefined)
      throw new CommandError(
        "not-allowed",
        `${path} may not be ${what} from afar: this machine allows ${allowed.join(", ") || "no directory"}`,
      );
    const names = path.slice(base.length + 1).split("/");
    if (names.length > maxFileDepth || names.some((name) => ["", ".", ".."].includes(name) || name.includes("\0")))
      throw new CommandError(
        "not-allowed",
        `${path} is not taken: expected a plain path, without "..", of ${maxFileDepth} levels at most`,
      );
    const name = names.pop() ?? "";
    const outOfReach = new OutOfReach(this.#options.own);
    const assertNotOwn = (descriptor: number): void => {
      if (outOfReach.has(descriptor)) throw ownFile(path);
    };
    let directory: number | undefined;
    try {
      directory = descend(base || "/", names, assertNotOwn);
      if (outOfReach.hasName(directory, name)) throw ownFile(path);
      const there = lstatSync(pathIn(directory, name), { throwIfNoEntry: false });
      return work({ directory, name, there }, outOfReach);
    } catch (thrown) {
      throw thrown instanceof CommandError ? thrown : unreachable(path, thrown);
    } finally {
      if (directory !== undefined) closeSync(directory);
    }
  }
}

/** A name in a directory that is open. */
export function pathIn(directory: number, name: string): string {
  return `/proc/self/fd/${directory}/${name}`;
}

/** Whether the system has what this needs. */
export function canReachFiles(): boolean {
  return process.platform === "linux";
}

/** @param reached is told each directory on the way, and throws where it is not to be entered */
function descend(base: string, names: readonly string[], reached: (directory: number) => void): number {
  let directory = openSync(base, directoryAlone);
  try {
    reached(directory);
    for (const name of names) {
      const above = directory;
      directory = openSync(pathIn(above, name), directoryAlone | noFollow);
      closeSync(above);
      reached(directory);
    }
    return directory;
  } catch (thrown) {
    closeSync(directory);
    throw thrown;
  }
}

function ownFile(path: string): CommandError {
  return new CommandError("not-allowed", `${path} is the agent's own, or what it runs, and out of reach from afar`);
}

function unreachable(path: string, thrown: unknown): CommandError {
  const code = errorCode(thrown);
  if (code === "ENOENT") return new CommandError("not-there", `there is no directory for ${path}`);
  if (code === "ELOOP" || code === "ENOTDIR")
    return new CommandError(
      "not-allowed",
      `${path} leads over a link, or over what is no directory: name where it leads`,
    );
  if (code === "ENAMETOOLONG")
    return new CommandError("not-allowed", `${path} is not taken: a name in it is longer than this file system takes`);
  if (code === "EACCES" || code === "EPERM")
    return new CommandError("no-permission", `the agent's user may not do that with ${path}`);
  return new CommandError("error", `${path}: ${asError(thrown).message}`);
}

function longest(texts: readonly string[]): string | undefined {
  return texts.reduce<string | undefined>(
    (one, other) => (other.length >= (one?.length ?? 0) ? other : one),
    undefined,
  );
}

function withoutSlash(path: string): string {
  return path.replace(/\/+$/, "");
}

function kindOf(there: Stats): string {
  if (there.isDirectory()) return "a directory";
  if (there.isSymbolicLink()) return "a link: name where it leads";
  return "a pipe, a socket or a device";
}
