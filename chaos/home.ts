import { execFileSync } from "node:child_process";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, join } from "node:path";
import { makeDiskImage, mountDiskImage } from "../test/power-cut.ts";
import { fillDisk } from "../test/small-disk.ts";
import { Random } from "./random.ts";

/**
 * What the directories of a fleet lie on: images of disks, whose power can be cut; small file systems, which can be full; or
 * neither, where nothing can be mounted.
 */
export type Disks = "images" | "small" | "none";

/**
 * The directory of one process of a fleet, as its machine's disk: it can be full, lose its power, be put back as it was, exist
 * twice, and have a bit in it turned. What is done to a directory is done while nobody has a file of it open.
 */
export class Home {
  readonly path: string;
  readonly #aside: string;
  readonly #disks: Disks;
  /** The disk beneath, where it is an image. */
  #image: string | undefined;
  /** What of the image had reached it when the power went. */
  #synced: string | undefined;
  #filler: string | undefined;
  #turn = 0;

  /**
   * @param aside a directory for copies, on no disk of the fleet's
   * @param size in KiB, where it is a disk of its own; an image has 8 MiB more, for its journal
   */
  constructor(path: string, aside: string, disks: Disks, size: number) {
    this.path = path;
    this.#aside = aside;
    this.#disks = disks;
    mkdirSync(path, { recursive: true });
    mkdirSync(aside, { recursive: true });
    if (disks === "images") this.#make(size);
    else if (disks === "small") run("mount", "-t", "tmpfs", "-o", `size=${size}k,mode=1777`, "tmpfs", path);
  }

  /** What was written before the run lies on the disk. */
  settle(): void {
    run("sync", "-f", this.path);
  }

  fill(): void {
    if (this.#disks !== "none") this.#filler ??= fillDisk(this.path);
  }

  get isFull(): boolean {
    return this.#filler !== undefined;
  }

  /** There is room again. */
  relieve(): void {
    if (this.#filler !== undefined) rmSync(this.#filler, { force: true });
    this.#filler = undefined;
  }

  /** The power goes: from here on only what has been synced counts. Its process has been killed already. */
  cutPower(): void {
    if (this.#image === undefined) return;
    this.#synced = `${this.#image}.${++this.#turn}`;
    run("cp", "--sparse=always", this.#image, this.#synced);
  }

  get isCut(): boolean {
    return this.#synced !== undefined;
  }

  /** The power comes back, and with it what had been synced. */
  restorePower(): void {
    if (this.#image === undefined || this.#synced === undefined) return;
    // Lazily: a connection to a database lives on behind its end, as long as a statement of it has not been collected.
    run("umount", "-l", this.path);
    rmSync(this.#image);
    renameSync(this.#synced, this.#image);
    this.#synced = undefined;
    this.#filler = undefined;
    mountDiskImage(this.#image, this.path);
  }

  /**
   * A copy as it stands, such as a snapshot of a machine or a cloned card is. Made by another process: whoever closes a file of a database
   * gives up every lock that his process has on it.
   * @returns its directory
   */
  copy(): string {
    const target = join(this.#aside, `${basename(this.path)}.${++this.#turn}`);
    run("cp", "-a", this.path, target);
    for (const name of readdirSync(target)) if (!isOwn(name)) rmSync(join(target, name), { recursive: true });
    return target;
  }

  /** The copy takes the place of what is there. */
  putBack(copy: string): void {
    for (const name of readdirSync(this.path)) if (isOwn(name)) rmSync(join(this.path, name), { recursive: true });
    run("cp", "-a", `${copy}/.`, this.path);
    rmSync(copy, { recursive: true });
    // It was put back long before the power goes the next time.
    this.settle();
  }

  /** Turns one bit of one file, both by the dice. @returns undefined where there is no file */
  turnBit(dice: string): { readonly file: string; readonly what: string } | undefined {
    const random = new Random(dice);
    const files = filesOf(this.path);
    if (files.length === 0) return undefined;
    const path = random.pick(files);
    const at = random.between(0, statSync(path).size - 1);
    const bit = random.between(0, 7);
    const file = openSync(path, "r+");
    try {
      const byte = Buffer.alloc(1);
      readSync(file, byte, 0, 1, at);
      byte.writeUInt8(byte.readUInt8(0) ^ (1 << bit));
      writeSync(file, byte, 0, 1, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const name = path.slice(this.path.length + 1);
    return { file: name, what: `bit ${bit} of byte ${at} of ${name} (${statSync(path).size} bytes) turned` };
  }

  remove(): void {
    if (this.#disks !== "none") run("umount", "-l", this.path);
    if (this.#image !== undefined) rmSync(this.#image, { force: true });
  }

  #make(size: number): void {
    this.#image = join(this.#aside, `${basename(this.path)}.img`);
    makeDiskImage(this.#image, Math.ceil(size / 1_024) + 8);
    mountDiskImage(this.#image, this.path);
  }
}

/** Files with something in them, in an order that a seed repeats. SQLite makes its shared memory anew at each start. */
function filesOf(directory: string): string[] {
  const files: string[] = [];
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory() && isOwn(entry.name)) files.push(...filesOf(path));
    else if (entry.isFile() && !entry.name.endsWith("-shm") && statSync(path).size > 0) files.push(path);
  }
  return files.sort();
}

/** The file system's own directory is not the process'; and on another machine a lock's holder does not live. */
function isOwn(path: string): boolean {
  return !/^(lost\+found|lock\..*)$/.test(basename(path));
}

function run(program: string, ...args: string[]): void {
  execFileSync(program, args, { stdio: ["ignore", "ignore", "pipe"] });
}
