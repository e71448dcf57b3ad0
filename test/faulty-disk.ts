import { mkdirSync, readdirSync, readFileSync, writeFileSync, existsSync, rmSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { diskOf, perform, systemCalls, type Disk, type Step } from "#disk/calls";

/**
 * What happens at one call: the machine stops before it; it fails; it writes half and says so; it writes half and then fails, which is how a
 * disk fills.
 */
export const faults = ["crash", "EIO", "ENOSPC", "short", "torn"] as const;
export type Fault = (typeof faults)[number];

/** What a power cut may leave of what was not synced. */
export const cuts = ["a kill", "nothing unsynced", "names alone", "contents alone", "half of the contents"] as const;
export type Cut = (typeof cuts)[number];

/** A file, whatever its name: its content, and how much of that is on the disk. */
interface Inode {
  content: Buffer;
  synced: Buffer;
  /** What was written when a sync failed: the system counts it as written, and it is nowhere. */
  lost?: { readonly from: number; readonly to: number };
}

/**
 * The system's disk below `root`, which fails at one of its calls, and knows what a power cut would leave: a file's content as of its last sync,
 * and names, of directories as well, as of their directory's.
 */
export class FaultyDisk {
  readonly disk: Disk;
  readonly #root: string;
  readonly #fault: Fault | undefined;
  readonly #at: number;
  readonly #files = new Map<number, Inode | string>();
  #names = new Map<string, Inode>();
  #durable = new Map<string, Inode>();
  /** Directories that were made, and whose names are not on the disk. */
  readonly #fleeting = new Set<string>();
  /** Calls so far. */
  count = 0;
  #stopped = false;

  constructor(root: string, fault?: Fault, at = -1) {
    this.#root = root;
    this.#fault = fault;
    this.#at = at;
    for (const path of filesIn(root)) {
      const content = readFileSync(path);
      this.#names.set(path, { content, synced: content });
    }
    this.#durable = new Map(this.#names);
    this.disk = diskOf((step) => this.#do(step));
  }

  get stopped(): boolean {
    return this.#stopped;
  }

  /** What stands in `root` after this cut, by the files' paths in it. */
  left(cut: Cut): ReadonlyMap<string, Buffer> {
    const present = new Map([...this.#names].filter(([path]) => existsSync(path)));
    const survives = ([path]: readonly [string, Inode]): boolean =>
      ![...this.#fleeting].some((directory) => path.startsWith(`${directory}/`));
    const names = cut === "a kill" || cut === "names alone" ? present : [...this.#durable].filter(survives);
    return new Map([...names].map(([path, inode]) => [relative(this.#root, path), contentAfter(cut, inode)]));
  }

  #do(step: Step): unknown {
    const fault = this.count++ === this.#at ? this.#fault : undefined;
    if (fault === "crash") this.#stopped = true;
    if (this.#stopped) throw new Error("the machine has stopped");
    const [name, target] = step;
    if (name === "write" && (fault === "short" || fault === "torn")) {
      const half = step[2].subarray(0, Math.floor(step[2].length / 2));
      const written = half.length === 0 ? 0 : this.#done(["write", step[1], half]);
      if (fault === "torn" || written === 0) throw failure("ENOSPC", name);
      return written;
    }
    if (fault === "EIO" || fault === "ENOSPC") {
      if (name === "close") this.#done(step);
      if (name === "sync" || name === "datasync") this.#lose(target);
      throw failure(fault, name);
    }
    return this.#done(step);
  }

  #done(step: Step): unknown {
    const result = perform(systemCalls, step);
    const [name, target] = step;
    const inode = typeof target === "number" ? this.#files.get(target) : undefined;
    if (name === "open") this.#opened(target, Number(result));
    if (name === "openDirectory") this.#files.set(Number(result), resolve(target));
    if (name === "close") this.#files.delete(target);
    if (name === "rename") this.#renamed(target, step[2]);
    if (name === "remove") this.#names.delete(target);
    if (name === "makeDirectory") this.#fleeting.add(resolve(target));
    if (name === "removeDirectory") this.#fleeting.delete(resolve(target));
    if (name === "link") this.#linked(target, step[2]);
    if (name === "copy") this.#copied(target, step[2]);
    if (name === "sync" && typeof inode === "string") this.#syncNames(inode);
    else if ((name === "sync" || name === "datasync") && typeof inode === "object") sync(inode);
    if (typeof inode !== "object") return result;
    if (name === "write") inode.content = Buffer.concat([inode.content, step[2].subarray(0, Number(result))]);
    if (name === "truncate") truncate(inode, step[2]);
    return result;
  }

  #opened(path: string, file: number): void {
    const inode = this.#names.get(path) ?? { content: Buffer.alloc(0), synced: Buffer.alloc(0) };
    this.#names.set(path, inode);
    this.#files.set(file, inode);
  }

  #renamed(from: string, to: string): void {
    const inode = this.#names.get(from);
    this.#names.delete(from);
    if (inode) this.#names.set(to, inode);
  }

  #linked(from: string, to: string): void {
    const inode = this.#names.get(from);
    if (inode) this.#names.set(to, inode);
  }

  #copied(from: string, to: string): void {
    const content = this.#names.get(from)?.content;
    if (content) this.#names.set(to, { content, synced: Buffer.alloc(0) });
  }

  /** Those in it, and of no other directory. */
  #syncNames(directory: string): void {
    const isIn = (path: string): boolean => dirname(path) === directory;
    for (const path of this.#durable.keys()) if (isIn(path)) this.#durable.delete(path);
    for (const [path, inode] of this.#names) if (isIn(path)) this.#durable.set(path, inode);
    for (const path of this.#fleeting) if (isIn(path)) this.#fleeting.delete(path);
  }

  #lose(file: number): void {
    const inode = this.#files.get(file);
    if (typeof inode === "object") inode.lost ??= { from: inode.synced.length, to: inode.content.length };
  }
}

/** Puts files into a new directory. */
export function lay(files: ReadonlyMap<string, Buffer>, directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const [name, content] of files) {
    mkdirSync(dirname(join(directory, name)), { recursive: true, mode: 0o700 });
    writeFileSync(join(directory, name), content, { mode: 0o600 });
  }
}

function contentAfter(cut: Cut, { content, synced }: Inode): Buffer {
  if (cut === "a kill" || cut === "contents alone") return content;
  if (cut !== "half of the contents" || content.length <= synced.length) return synced;
  return content.subarray(0, synced.length + Math.floor((content.length - synced.length) / 2));
}

function sync(inode: Inode): void {
  const { content, lost } = inode;
  inode.synced = Buffer.from(content);
  if (lost) inode.synced.fill(0, lost.from, lost.to);
}

function truncate(inode: Inode, size: number): void {
  inode.content = inode.content.subarray(0, size);
  if (inode.lost && size <= inode.lost.from) delete inode.lost;
}

function failure(code: string, call: string): Error {
  return Object.assign(new Error(`${code}: the disk refuses, ${call}`), { code });
}

function filesIn(root: string): string[] {
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}
