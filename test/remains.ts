import { mkdtempSync, readdirSync, readFileSync, readlinkSync, realpathSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "./small-disk.ts";

/** Milliseconds that what is ending may take to its end on a busy machine: the children of a program that was killed. */
const parting = 5_000;
const lookedEvery = 50;

/** What the files of a worker share, and what is gone with it: tsx's cache and its compiler, and a browser. */
const lastingFiles = /^(tsx-|playwright|\.?org\.chromium)/;
const lastingPrograms = /\/esbuild\0--service|^\/usr\/lib\/chromium\//;

/** Makes an empty directory for {@link Remains}, in which tsx finds what it has compiled before. */
export function makePlace(): string {
  const place = mkdtempSync(join(realpathSync(tmpdir()), "muster-run-"));
  const cache = `tsx-${process.geteuid?.() ?? 0}`;
  symlinkSync(join(tmpdir(), cache), join(place, cache));
  return place;
}

export function removePlace(place: string): void {
  rmSync(place, { recursive: true, force: true });
}

interface Left {
  readonly what: string;
  readonly undo: () => void;
}

/**
 * What tests leave on this machine: processes, mounts, networks and files. Each worker has a place, its `TMPDIR`. A process that tests have
 * begun has it in its environment, its words or its directory, also where it has left its family (`setsid`) and its environment (`env -i`).
 */
export class Remains {
  readonly #place: string;
  readonly #worker: number;
  readonly #isLasting: boolean;
  /** Processes that have been looked at, and are somebody else's. */
  #known = new Set(processes());

  /** @param options.lasting whether what a worker keeps for its files counts */
  constructor(place: string, worker: number, { lasting = false } = {}) {
    this.#place = place;
    this.#worker = worker;
    this.#isLasting = lasting;
  }

  /** Waits for what is ending, then ends the rest. @returns a sentence for each that was left */
  async clear(patience = parting): Promise<string[]> {
    let left = this.#left();
    for (const end = performance.now() + patience; left.length > 0 && performance.now() < end; left = this.#left())
      await new Promise((resolve) => setTimeout(resolve, lookedEvery));
    for (const { undo } of left) undo();
    return left.map(({ what }) => what);
  }

  /** In the order in which they can be undone. */
  #left(): Left[] {
    return [
      ...this.#running().map((pid) => ({ what: `left running: ${pid} ${spoken(pid)}`, undo: () => kill(pid) })),
      ...mountsIn(this.#place).map((path) => ({
        what: `left mounted: ${path}`,
        undo: () => asRoot("umount", "-l", path),
      })),
      ...networksOf(this.#worker).map((name) => ({
        what: `left network: ${name}`,
        undo: () => asRoot("ip", "netns", "del", name),
      })),
      ...this.#lying().map((path) => ({
        what: `left lying: ${path}`,
        undo: () => rmSync(path, { recursive: true, force: true }),
      })),
    ];
  }

  #running(): string[] {
    const all = processes();
    const ours = all.filter((pid) => !this.#known.has(pid) && this.#isOurs(pid));
    this.#known = new Set(all.filter((pid) => !ours.includes(pid)));
    return ours;
  }

  /** One that has ended, and whose parent has not asked how, has no words any more. */
  #isOurs(pid: string): boolean {
    const words = read(pid, "cmdline");
    if (words === "" || (this.#isLasting && lastingPrograms.test(words))) return false;
    return [words, read(pid, "environ"), linkOf(pid, "cwd"), linkOf(pid, "exe")].some((text) =>
      text.includes(this.#place),
    );
  }

  #lying(): string[] {
    const lasting = this.#isLasting ? lastingFiles : /^tsx-/;
    return readdirSync(this.#place).flatMap((name) => (lasting.test(name) ? [] : [join(this.#place, name)]));
  }
}

function processes(): string[] {
  return readdirSync("/proc").filter((name) => /^\d+$/.test(name));
}

function read(pid: string, what: "cmdline" | "environ"): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, "utf8");
  } catch {
    // It has ended, or is another user's.
    return "";
  }
}

function linkOf(pid: string, what: "cwd" | "exe"): string {
  try {
    return readlinkSync(`/proc/${pid}/${what}`);
  } catch {
    return "";
  }
}

function spoken(pid: string): string {
  return read(pid, "cmdline").replaceAll("\0", " ").trim().slice(0, 300);
}

function kill(pid: string): void {
  try {
    process.kill(Number(pid), "SIGKILL");
  } catch {
    // It has ended by itself, or is another user's.
  }
}

/** The innermost first. */
function mountsIn(place: string): string[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return lines
    .flatMap((line) => line.split(" ").slice(4, 5))
    .filter((path) => path.startsWith(`${place}/`))
    .toReversed();
}

/** The tests' networks have the worker that has made them in their name: `far-network.ts`, `second-machine.ts`. */
function networksOf(worker: number): string[] {
  try {
    return readdirSync("/run/netns").filter((name) => name.split("-").includes(String(worker)));
  } catch {
    // No network was ever made here.
    return [];
  }
}
