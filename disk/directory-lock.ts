import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { asError, EnvironmentError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { machineBootId } from "#shared/machine-boot";
import { answersIn, listenIn, type ClaimSocket } from "./claim-socket.ts";
import { isDiskFull, writingAdvice } from "./full-disk.ts";
import { privateDirectory } from "./private-files.ts";
import { openRegularFile } from "./regular-file.ts";
import { beat, beatAge, beatEvery, beatGone, endBeat, isOnSharedVolume } from "./shared-volume.ts";

/** Who holds a directory: process ids are given anew, so its start and the machine's boot belong to it. */
interface Holder {
  readonly pid: number;
  /** In the kernel's ticks since boot; 0 where the system does not tell. */
  readonly started: string;
  readonly boot: string;
}

/** What works in a directory, and of which there may be one: an agent and a console may share one. */
export type Tenant = "agent" | "console";

/** How the names of their claims begin. */
const prefixes: Readonly<Record<Tenant, string>> = { agent: "lock", console: "console-lock" };
const claimPattern = /^(\d+)-(\d+)-([0-9a-f]*)(?:-[0-9a-f]+)?$/;
/** Claims that this process holds: it cannot tell itself from itself by the file. */
const held = new Set<string>();

/** A living one, and how long ago it has said so, where it is on another machine. */
interface Other {
  readonly pid: number;
  readonly age?: number;
}

/** Where a lock is taken: by which name this machine's run goes, and whether others may have the directory, too. */
interface Surroundings {
  readonly boot: string;
  readonly isShared: (directory: string) => boolean;
}

/** What this process stands in the directory with. */
interface Claim {
  readonly name: string;
  readonly socket: ClaimSocket | undefined;
}

/**
 * Keeps a second agent, or a second console, out of a directory. Each claims it under a name of its own, by a socket that it listens on, and
 * then looks for others: whoever sees another living one gives way. So of two that start in the same moment at most one goes on, what one
 * that was killed has left is removed by whoever comes next, and none can remove the claim of a living one. One that was judged while it
 * did not listen yet sees who judged it.
 *
 * Where there are no such sockets, an empty file stands for the process, which is looked up by its id: not across containers then.
 *
 * On a volume that several machines have, none of which hears of another's sockets and processes, each claim has a beat: a file
 * that is written now and then. Two that start in the same moments may miss each other there, as long as their file systems remember what
 * was in a directory.
 */
export class DirectoryLock {
  readonly #tenant: Tenant;
  readonly #directory: string;
  readonly #log: Log;
  readonly #around: Surroundings;
  #beating: NodeJS.Timeout | undefined;
  #claimed: Claim | undefined;
  #held = false;

  /** @param around where it is, but in a test */
  constructor(
    tenant: Tenant,
    directory: string,
    log: Log,
    around: Surroundings = { boot: bootId(), isShared: isOnSharedVolume },
  ) {
    this.#tenant = tenant;
    this.#directory = resolve(directory);
    this.#log = log;
    this.#around = around;
  }

  /** @throws EnvironmentError when another one lives in the directory, or it cannot be used */
  acquire(): void {
    if (held.has(this.#name)) throw this.#taken({ pid: process.pid });
    const claim = this.#claim();
    const shared = this.#around.isShared(this.#directory);
    if (shared && claim) this.#beat(claim);
    const other = this.#livingOther(claim?.name, shared);
    if (other !== undefined) {
      this.#leave(claim);
      throw this.#taken(other);
    }
    if (claim && !existsSync(join(this.#directory, claim.name))) {
      // Who judged it before it listened has removed it, and is gone as well.
      this.#leave(claim);
      return this.acquire();
    }
    held.add(this.#name);
    this.#held = true;
    this.#claimed = claim;
    // It keeps no process alive.
    if (shared && claim) this.#beating = setInterval(() => this.#beat(claim), beatEvery).unref();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    clearInterval(this.#beating);
    held.delete(this.#name);
    this.#leave(this.#claimed);
  }

  #leave(claim: Claim | undefined): void {
    claim?.socket?.close();
    if (claim) endBeat(this.#beatOf(claim.name));
    if (claim) rmSync(join(this.#directory, claim.name), { force: true });
  }

  get #name(): string {
    return join(this.#directory, prefixes[this.#tenant]);
  }

  #taken({ pid, age }: Other): EnvironmentError {
    const own = "give this one a directory of its own with MUSTER_DATA";
    if (age === undefined)
      return new EnvironmentError(
        `another ${this.#tenant} (process ${pid}) is at work in ${this.#directory}: stop it, or ${own}`,
      );
    return new EnvironmentError(
      `another ${this.#tenant} (process ${pid} of another machine, or of this one before it was started anew) was at work in ${this.#directory} ${Math.max(0, Math.round(age / 1_000))} s ago: stop it, or ${own}; if that machine is gone, start this one again in ${beatGone / 1_000} s`,
    );
  }

  /** @param name of a claim */
  #beatOf(name: string): string {
    const prefix = `${prefixes[this.#tenant]}.`;
    return join(this.#directory, `${prefix}beat-${name.slice(prefix.length)}`);
  }

  #beat({ name }: Claim): void {
    try {
      beat(this.#beatOf(name));
    } catch (thrown) {
      const what = "no other machine can be told that this one works in its directory";
      this.#log.warn({ directory: this.#directory, err: asError(thrown) }, what);
    }
  }

  /** @returns undefined on a full disk: who cannot start there could not be told to make room */
  #claim(): Claim | undefined {
    const { pid, started } = self();
    const { boot } = this.#around;
    const name = `${prefixes[this.#tenant]}.${pid}-${started}-${boot}`;
    try {
      privateDirectory(this.#directory, this.#log);
      // In two containers that start in the same moment processes may be called alike.
      const free = existsSync(join(this.#directory, name)) ? `${name}-${randomBytes(4).toString("hex")}` : name;
      const socket = listenIn(this.#directory, free);
      if (!socket)
        closeSync(
          openRegularFile(join(this.#directory, free), constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL),
        );
      return { name: free, socket };
    } catch (cause) {
      const full = isDiskFull(cause);
      if (cause instanceof EnvironmentError && !full) throw cause;
      if (full) {
        const what = `the disk is full: the ${this.#tenant} runs without a lock on its directory`;
        this.#log.warn({ directory: this.#directory }, what);
        return undefined;
      }
      throw new EnvironmentError(`cannot write ${join(this.#directory, name)}: ${writingAdvice(cause)}`, { cause });
    }
  }

  /** @returns the process of another living one, by its own count; removes what dead ones have left */
  #livingOther(own: string | undefined, shared: boolean): Other | undefined {
    const prefix = `${prefixes[this.#tenant]}.`;
    const presentBoot = this.#around.boot;
    for (const name of readdirSync(this.#directory)) {
      if (!name.startsWith(prefix) || name === own) continue;
      const [, pid = "", started = "", boot = ""] = claimPattern.exec(name.slice(prefix.length)) ?? [];
      if (pid === "") continue;
      const holder = { pid: Number(pid), started, boot };
      if (shared && boot !== presentBoot) {
        const age = own === undefined ? 0 : beatAge(this.#beatOf(name), this.#beatOf(own));
        if (age < beatGone) return { pid: holder.pid, age };
        endBeat(this.#beatOf(name));
      } else if (answersIn(this.#directory, name) ?? lives(holder, presentBoot)) return { pid: holder.pid };
      rmSync(join(this.#directory, name), { force: true });
    }
    return undefined;
  }
}

function self(): Pick<Holder, "pid" | "started"> {
  return { pid: process.pid, started: statusOf(process.pid)?.started ?? "0" };
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
