import * as fs from "node:fs";
import { promisify } from "node:util";
import { openRegularFile, openRegularFileSoon } from "./regular-file.ts";

/**
 * The calls of the system that make a file last, each of which may fail. Files are descriptors: the same work runs at once or in the
 * thread pool.
 */
export interface Calls {
  /** Opens a regular file for appending, see {@link openRegularFile}. @param flags beside that */
  open(path: string, flags: number): number;
  openDirectory(path: string): number;
  /** One, whose parent is there. */
  makeDirectory(path: string, mode: number): void;
  /** An empty one. */
  removeDirectory(path: string): void;
  /** @returns how much was written, which may be less than was given */
  write(file: number, bytes: Buffer): number;
  /** @param size what is kept */
  truncate(file: number, size: number): void;
  stat(file: number): { readonly size: number; readonly nlink: number };
  /** Gives it the owner of what stands at `path`, where this process may. */
  own(file: number, path: string): void;
  sync(file: number): void;
  datasync(file: number): void;
  close(file: number): void;
  rename(from: string, to: string): void;
  /** A second name for the same file. */
  link(from: string, to: string): void;
  copy(from: string, to: string): void;
  /** Not there is well, too. */
  remove(path: string): void;
}

/** One call and what it is given. */
export type Step = { [Name in keyof Calls]: [Name, ...Parameters<Calls[Name]>] }[keyof Calls];

/** What is to be done as a row of calls: written once, for whoever waits and whoever does not. */
export type Work<T> = Generator<Step, T, unknown>;

/** One call of a {@link Work}. @throws the system's error */
export function* call<Name extends keyof Calls>(
  name: Name,
  ...given: Parameters<Calls[Name]>
): Work<ReturnType<Calls[Name]>> {
  return (yield [name, ...given] as unknown as Step) as ReturnType<Calls[Name]>;
}

/** Where work is done. A parameter, so that a test can have one that fails at any call. */
export interface Disk {
  /** While the event loop stands. */
  now<T>(work: Work<T>): T;
  /** In the thread pool. */
  soon<T>(work: Work<T>): Promise<T>;
}

/**
 * @param now one call, in which the caller waits
 * @param soon the same in the thread pool; without it `now`, in a later turn of the event loop
 */
export function diskOf(now: (step: Step) => unknown, soon?: (step: Step) => Promise<unknown>): Disk {
  const inTurn = soon ?? (async (step: Step) => (await later(), now(step)));
  return {
    now: (work) => {
      let at = work.next();
      while (!at.done) {
        let result: unknown;
        try {
          result = now(at.value);
        } catch (thrown) {
          at = work.throw(thrown);
          continue;
        }
        at = work.next(result);
      }
      return at.value;
    },
    soon: async (work) => {
      let at = work.next();
      while (!at.done) {
        let result: unknown;
        try {
          result = await inTurn(at.value);
        } catch (thrown) {
          at = work.throw(thrown);
          continue;
        }
        at = work.next(result);
      }
      return at.value;
    },
  };
}

const later = promisify(setImmediate);
const appending = fs.constants.O_WRONLY | fs.constants.O_APPEND;
const force = { force: true };
const isRoot = process.getuid?.() === 0;

/** The system's calls, in which the caller waits. */
export const systemCalls: Calls = {
  open: (path, flags) => openRegularFile(path, appending | flags),
  openDirectory: (path) => fs.openSync(path, "r"),
  makeDirectory: (path, mode) => fs.mkdirSync(path, { mode }),
  removeDirectory: (path) => fs.rmdirSync(path),
  write: (file, bytes) => fs.writeSync(file, bytes),
  truncate: fs.ftruncateSync,
  stat: (file) => fs.fstatSync(file),
  own: (file, path) => {
    const before = isRoot ? fs.lstatSync(path, { throwIfNoEntry: false }) : undefined;
    if (before?.isFile()) fs.fchownSync(file, before.uid, before.gid);
  },
  sync: fs.fsyncSync,
  datasync: fs.fdatasyncSync,
  close: fs.closeSync,
  rename: fs.renameSync,
  link: fs.linkSync,
  copy: fs.copyFileSync,
  remove: (path) => fs.rmSync(path, force),
};

const soon = {
  open: promisify(fs.open),
  write: promisify(fs.write),
  remove: promisify(fs.rm),
  makeDirectory: promisify(fs.mkdir),
};

const pool: { [Name in keyof Calls]: (...given: Parameters<Calls[Name]>) => Promise<ReturnType<Calls[Name]>> } = {
  open: (path, flags) => openRegularFileSoon(path, appending | flags),
  openDirectory: (path) => soon.open(path, "r"),
  removeDirectory: promisify(fs.rmdir),
  makeDirectory: (path, mode) => soon.makeDirectory(path, { mode }),
  write: async (file, bytes) => (await soon.write(file, bytes)).bytesWritten,
  truncate: promisify(fs.ftruncate),
  // Of an open file that is no wait, and a way to the pool and back would cost every line of a ledger.
  stat: async (file) => fs.fstatSync(file),
  own: async (file, path) => systemCalls.own(file, path),
  sync: promisify(fs.fsync),
  datasync: promisify(fs.fdatasync),
  close: promisify(fs.close),
  rename: promisify(fs.rename),
  link: promisify(fs.link),
  copy: promisify(fs.copyFile),
  remove: (path) => soon.remove(path, force),
};

type AnyCalls = Record<string, (...given: readonly unknown[]) => unknown>;

/** One call, of these. @throws the system's error */
export function perform(by: Calls, [name, ...given]: Step): unknown {
  return (by as unknown as AnyCalls)[name]?.(...given);
}

export const systemDisk: Disk = diskOf(
  (step) => perform(systemCalls, step),
  async ([name, ...given]) => (pool as unknown as AnyCalls)[name]?.(...given),
);
