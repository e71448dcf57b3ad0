import { createHash } from "node:crypto";
import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { call, systemDisk, type Disk, type Work } from "#disk/calls";
import { makingDirectory, replaceFile, replacing, syncingDirectory } from "#disk/durable-file";
import { readRegularFile } from "#disk/regular-file";
import { stateNames } from "../install/layout.ts";
import { executableWords, maxSaidBytes, starterWords } from "../install/starter.ts";
import { lastWords } from "./last-words.ts";

/** Milliseconds for which the version of before can be gone back to: as long as a rollout is looked at. */
export const maxUndoAge = 86_400_000;
/** Characters of why a version did not prove itself. */
const maxWhyLength = 1_000;
/** What stands for the program that was installed: no version has this name. */
const installed = "installed";

export interface VersionsOptions {
  /** The state directory of the installation. */
  readonly state: string;
  /** The checksum of the program that was installed. */
  readonly base: string;
  /** This process's version, where it is on trial. */
  readonly trial?: string | undefined;
  readonly disk?: Disk;
}

/** A version that was tried and came to nothing. */
export interface FailedTrial {
  readonly name: string;
  readonly why: string;
  /** The last lines that it said on standard error, where its starter has listened. */
  readonly said: readonly string[];
}

/**
 * The versions of an installation, as the starter finds them: see {@link stateNames}. Whatever is changed is one rename, on the disk before it
 * is told.
 */
export class Versions {
  readonly trial: string | undefined;
  readonly #options: VersionsOptions;
  readonly #disk: Disk;

  constructor(options: VersionsOptions) {
    this.#options = options;
    this.#disk = options.disk ?? systemDisk;
    this.trial = options.trial === "" ? undefined : options.trial;
  }

  get state(): string {
    return this.#options.state;
  }

  /** The version in use; undefined for the program that was installed. */
  get current(): string | undefined {
    return this.#named(stateNames.current);
  }

  /** Whether there is a version of before that can be gone back to. @param now epoch ms, by the clock that file times are of */
  mayUndo(now: number): boolean {
    const age = now - (statSync(this.#path(previous), { throwIfNoEntry: false })?.mtimeMs ?? -Infinity);
    return Math.abs(age) < maxUndoAge;
  }

  get failed(): FailedTrial | undefined {
    const name = this.#word(stateNames.failed);
    if (name === undefined) return undefined;
    const why = this.#read(stateNames.why) || "nobody wrote down why";
    return { name, why: why.slice(0, maxWhyLength), said: lastWords(this.#read(stateNames.said, maxSaidBytes)) };
  }

  /** Where a version's file belongs. */
  fileOf(name: string): string {
    return join(this.#path(stateNames.versions), name);
  }

  /** A place for a file that is on its way, with what of it is there already; those of others go. @returns its path */
  async partOf(name: string): Promise<string> {
    const { versions } = stateNames;
    const [part, ...kept] = [`${name}.part`, name, this.current, this.#named(previous)];
    const others = this.#files().filter((file) => file !== part && !kept.includes(file));
    await this.#disk.soon(
      (function* (path): Work<void> {
        yield* makingDirectory(path(versions));
        for (const file of others) yield* call("remove", join(path(versions), file));
      })((file: string) => this.#path(file)),
    );
    return this.fileOf(part);
  }

  /** A file that is whole is brought to the disk and gets its name. @throws the system's error; then it is gone */
  async admit(name: string): Promise<void> {
    const file = this.fileOf(name);
    await this.#disk.soon(admitting(`${file}.part`, file, this.#path(stateNames.versions)));
  }

  /** The next start tries this one. */
  async try(name: string): Promise<void> {
    const { why, said, failed, trying, trial } = stateNames;
    const path = (file: string): string => this.#path(file);
    const line = Buffer.from(`${name} ${this.#options.base}\n`);
    await this.#disk.soon(
      (function* (): Work<void> {
        for (const file of [why, said, failed, trying]) yield* call("remove", path(file));
        yield* replacing(path(trial), () => line);
      })(),
    );
  }

  /** This run has proven itself: it is in use from now on, and what was in use before can be gone back to. */
  async prove(): Promise<void> {
    const { state, base } = this.#options;
    const before = Buffer.from(`${this.current ?? installed} ${base}\n`);
    const [to, from, current] = [previous, stateNames.trying, stateNames.current].map((file) => this.#path(file));
    await this.#disk.soon(
      (function* (): Work<void> {
        yield* replacing(to ?? "", () => before);
        yield* call("rename", from ?? "", current ?? "");
        yield* syncingDirectory(state);
      })(),
    );
  }

  /** What the next start, which goes back, will say. */
  async giveUp(why: string): Promise<void> {
    const line = Buffer.from(`${why.replaceAll("\n", " ").slice(0, maxWhyLength)}\n`);
    await this.#disk.soon(replacing(this.#path(stateNames.why), () => line));
  }

  /** The next start has the version of before. */
  async undo(): Promise<void> {
    const { state } = this.#options;
    const [from, to] = [this.#path(previous), this.#path(stateNames.current)];
    await this.#disk.soon(
      (function* (): Work<void> {
        yield* call("rename", from, to);
        yield* syncingDirectory(state);
      })(),
    );
  }

  #files(): string[] {
    try {
      return readdirSync(this.#path(stateNames.versions));
    } catch {
      return [];
    }
  }

  /** The version that a file names, where that is there and came upon this very program, as the starter sees it. */
  #named(file: string): string | undefined {
    const name = this.#word(file);
    const isThere = name !== undefined && this.#read(file).split(" ")[1] === this.#options.base;
    return isThere && existsSync(this.fileOf(name)) ? name : undefined;
  }

  #word(file: string): string | undefined {
    const [name = ""] = this.#read(file).split(" ");
    return /^[\w-][\w.-]*$/.test(name) ? name : undefined;
  }

  #read(file: string, most = 4_096): string {
    try {
      return readRegularFile(this.#path(file), most).toString("utf8").trim();
    } catch {
      return "";
    }
  }

  #path(file: string): string {
    return join(this.#options.state, file);
  }
}

function* admitting(part: string, file: string, directory: string): Work<void> {
  const opened = yield* call("open", part, 0);
  try {
    yield* call("sync", opened);
  } catch (thrown) {
    // Nobody knows what of it is on the disk, and the next sync would not say it again.
    yield* call("remove", part);
    throw thrown;
  } finally {
    yield* call("close", opened);
  }
  yield* call("rename", part, file);
  yield* syncingDirectory(directory);
}

/** The version before the one in use. */
const previous = "previous";
/** The build of the program that was installed. */
const knownBuild = "build";

/** Where this process's installation is, if the starter has begun it. */
export function startedBy(env: NodeJS.ProcessEnv): Pick<VersionsOptions, "state" | "base" | "trial"> | undefined {
  const { [starterWords.state]: state, [starterWords.base]: base = "", [starterWords.trial]: trial } = env;
  return state ? { state, base, trial } : undefined;
}

/** Characters of a build's id: the beginning of the SHA-256 of its file. */
const buildLength = 16;

export function buildOf(sha256: string): string {
  return sha256.slice(0, buildLength);
}

/** The executable from which this process was unpacked; undefined where Node was given the agent's file. */
export function executableHere(env = process.env): string | undefined {
  return env[executableWords.file] || undefined;
}

/** Of which files of a release this process may be updated. */
export function targetHere(env = process.env): string {
  return (executableHere(env) && env[executableWords.target]) || "node";
}

/**
 * The id of the file that runs, or of the executable that it came in; undefined where it is neither.
 * @param state where it is written down, with what tells this file from another one: hashing it at each start takes node:crypto, which is 2 MB of an agent
 */
export function buildHere(state?: string, path = executableHere() ?? process.argv[1]): string | undefined {
  if (path === undefined || (path !== executableHere() && !path.endsWith(".cjs"))) return undefined;
  // The name of one that an update has brought says it; to read fifty megabytes at each start would take a slow card seconds.
  const name = basename(path);
  if (basename(dirname(path)) === stateNames.versions && /^[0-9a-f]{16}$/.test(name)) return name;
  try {
    return state === undefined ? buildOf(hashOfFile(path)) : keptBuild(join(state, knownBuild), path);
  } catch {
    return undefined;
  }
}

function keptBuild(file: string, path: string): string {
  const { size, mtimeMs, ino } = statSync(path);
  const mark = ` ${size} ${mtimeMs} ${ino}`;
  const line = readOr("", () => readRegularFile(file, 4_096).toString("latin1"));
  if (/^[0-9a-f]{16} /.test(line) && line.slice(buildLength) === mark) return line.slice(0, buildLength);
  const build = buildOf(hashOfFile(path));
  // The next start hashes it again where this cannot be written.
  readOr(undefined, () => replaceFile(file, Buffer.from(`${build}${mark}`)));
  return build;
}

function readOr<T>(otherwise: T, read: () => T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function hashOfFile(path: string): string {
  const hash = createHash("sha256");
  const file = openSync(path, "r");
  try {
    const part = Buffer.alloc(1024 * 1024);
    for (let read = readSync(file, part); read > 0; read = readSync(file, part)) hash.update(part.subarray(0, read));
  } finally {
    closeSync(file);
  }
  return hash.digest("hex");
}
