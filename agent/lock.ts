import { closeSync, openSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { privateDirectory } from "#shared/private-files";
import { machineBootId } from "./machine.ts";

/** Who holds a directory: process ids are given anew, so its start and the machine's boot belong to it. */
interface Holder {
  readonly pid: number;
  /** In the kernel's ticks since boot; 0 where the system does not tell. */
  readonly started: string;
  readonly boot: string;
}

const namePattern = /^lock\.(\d+)-(\d+)-([0-9a-f]*)$/;
/** Directories that this process holds: it cannot tell itself from itself by the file. */
const held = new Set<string>();

/**
 * Keeps a second agent out of a directory. Each claims it with a file named after itself and then looks for others:
 * whoever sees another living one gives way. So of two that start in the same moment at most one goes on, the file of one
 * that was killed is removed by whoever comes next, and none can remove the claim of a living one.
 */
export class Lock {
  readonly #directory: string;
  readonly #log: Log;
  #path: string | undefined;
  #held = false;

  constructor(directory: string, log: Log) {
    this.#directory = resolve(directory);
    this.#log = log;
  }

  /** @throws EnvironmentError when another agent lives in the directory, or it cannot be used */
  acquire(): void {
    const directory = this.#directory;
    if (held.has(directory)) throw taken(directory, process.pid);
    const path = claim(directory, this.#log);
    const other = livingOther(directory);
    if (other !== undefined) {
      if (path !== undefined) rmSync(path, { force: true });
      throw taken(directory, other);
    }
    held.add(directory);
    this.#held = true;
    this.#path = path;
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    held.delete(this.#directory);
    if (this.#path !== undefined) rmSync(this.#path, { force: true });
  }
}

function taken(directory: string, pid: number): EnvironmentError {
  return new EnvironmentError(
    `another agent (process ${pid}) is at work in ${directory}: stop it, or give this one a directory of its own with MUSTER_DATA`,
  );
}

/** @returns undefined on a full disk: an agent that cannot start there could not be told to make room */
function claim(directory: string, log: Log): string | undefined {
  const { pid, started, boot } = self();
  const path = join(directory, `lock.${pid}-${started}-${boot}`);
  try {
    privateDirectory(directory, log);
    closeSync(openSync(path, "w", 0o600));
    return path;
  } catch (cause) {
    const full = ["ENOSPC", "EDQUOT"].includes(errorCode(cause) ?? errorCode(asError(cause).cause) ?? "");
    if (cause instanceof EnvironmentError && !full) throw cause;
    if (full) {
      log.warn({ directory }, "the disk is full: the agent runs without a lock on its directory");
      return undefined;
    }
    throw new EnvironmentError(`cannot write ${path}: check the directory's permissions, or set MUSTER_DATA`, {
      cause,
    });
  }
}

/** @returns the process of another living agent; removes what dead ones have left */
function livingOther(directory: string): number | undefined {
  const own = self();
  for (const name of readdirSync(directory)) {
    const [, pid = "", started = "", boot = ""] = namePattern.exec(name) ?? [];
    if (pid === "") continue;
    const holder = { pid: Number(pid), started, boot };
    if (holder.pid === own.pid && started === own.started && boot === own.boot) continue;
    if (lives(holder, own.boot)) return holder.pid;
    rmSync(join(directory, name), { force: true });
  }
  return undefined;
}

function self(): Holder {
  return { pid: process.pid, started: statusOf(process.pid)?.started ?? "0", boot: bootId() };
}

function bootId(): string {
  return (machineBootId() ?? "").replaceAll(/[^0-9a-f]/g, "").slice(0, 8);
}

function lives({ pid, started, boot }: Holder, presentBoot: string): boolean {
  if (boot !== presentBoot) return false;
  // A process id of this very process belonged to another one that had it before.
  if (pid === process.pid) return false;
  const status = statusOf(pid);
  if (status) return status.started === started && !status.dead;
  return started === "0" && signals(pid);
}

/** From /proc (proc(5)); undefined where there is none, or no such process. */
function statusOf(pid: number): { started: string; dead: boolean } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name, which may hold spaces and brackets.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const state = fields[0] ?? "";
    return { started: fields[19] ?? "0", dead: state === "Z" || state === "X" };
  } catch {
    return undefined;
  }
}

/** Where the system does not tell when a process began: whether there is one of that id at all. */
function signals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === "EPERM";
  }
}
