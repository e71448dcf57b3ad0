import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { EnvironmentError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { machineBootId } from "#shared/machine-boot";
import { answersIn, listenIn, type ClaimSocket } from "./claim-socket.ts";
import { isDiskFull, writingAdvice } from "./full-disk.ts";
import { privateDirectory } from "./private-files.ts";
import { openRegularFile } from "./regular-file.ts";

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
 */
export class DirectoryLock {
  readonly #tenant: Tenant;
  readonly #directory: string;
  readonly #log: Log;
  #claimed: Claim | undefined;
  #held = false;

  constructor(tenant: Tenant, directory: string, log: Log) {
    this.#tenant = tenant;
    this.#directory = resolve(directory);
    this.#log = log;
  }

  /** @throws EnvironmentError when another one lives in the directory, or it cannot be used */
  acquire(): void {
    if (held.has(this.#name)) throw this.#taken(process.pid);
    const claim = this.#claim();
    const other = this.#livingOther(claim?.name);
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
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    held.delete(this.#name);
    this.#leave(this.#claimed);
  }

  #leave(claim: Claim | undefined): void {
    claim?.socket?.close();
    if (claim) rmSync(join(this.#directory, claim.name), { force: true });
  }

  get #name(): string {
    return join(this.#directory, prefixes[this.#tenant]);
  }

  #taken(pid: number): EnvironmentError {
    return new EnvironmentError(
      `another ${this.#tenant} (process ${pid}) is at work in ${this.#directory}: stop it, or give this one a directory of its own with MUSTER_DATA`,
    );
  }

  /** @returns undefined on a full disk: who cannot start there could not be told to make room */
  #claim(): Claim | undefined {
    const { pid, started, boot } = self();
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
  #livingOther(own: string | undefined): number | undefined {
    const prefix = `${prefixes[this.#tenant]}.`;
    const presentBoot = bootId();
    for (const name of readdirSync(this.#directory)) {
      if (!name.startsWith(prefix) || name === own) continue;
      const [, pid = "", started = "", boot = ""] = claimPattern.exec(name.slice(prefix.length)) ?? [];
      if (pid === "") continue;
      const holder = { pid: Number(pid), started, boot };
      if (answersIn(this.#directory, name) ?? lives(holder, presentBoot)) return holder.pid;
      rmSync(join(this.#directory, name), { force: true });
    }
    return undefined;
  }
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
