import { systemDisk, type Disk } from "#disk/calls";
import { BackOff } from "#shared/back-off";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import type { Signal } from "#shared/signal";
import type { SyslogAddress } from "#shared/syslog-address";
import type { Database } from "../database/database.ts";
import type { Audit } from "./audit.ts";
import type { AuditEntry } from "./entry.ts";
import { entriesAfter } from "./search.ts";
import { openSyslog, type SyslogConnection } from "./syslog-connection.ts";
import { syslogLine } from "./syslog-line.ts";
import { SyslogPlace } from "./syslog-place.ts";

/** Entries that wait for a target that is away, of some 300 bytes each: they are read from the log itself, and a day of a busy fleet's commands is sent again in a minute. */
export const maxSyslogBehind = 10_000;
/** Entries that are given to the system at once. */
const atOnce = 100;
/** Milliseconds that the system may take for what is given to it at once: beyond it, whoever should read does not. */
const sendTime = 10_000;
/** Milliseconds at most between two tries at a target that is away. */
const spread = 10_000;

export interface SyslogState {
  readonly target: string;
  readonly ok: boolean;
  readonly problem: string | undefined;
  /** Entries that it does not have yet. */
  readonly behind: number;
  /** Entries that it will never have, since the console started. */
  readonly lost: number;
}

export interface SyslogOptions {
  readonly address: SyslogAddress;
  readonly directory: string;
  readonly database: Database;
  readonly audit: Pick<Audit, "head" | "written" | "note">;
  /** Resolves once what was committed is on the disk: the target never has what a power cut takes from here. */
  readonly synced: () => Promise<void>;
  /** Another process has changed accounts, and written entries of its own. */
  readonly elsewhere: Pick<Signal<void>, "on">;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
  readonly disk?: Disk;
  /** Entries that wait at most; {@link maxSyslogBehind} unless given. */
  readonly most?: number;
}

/**
 * Sends each entry of the audit log on, in its order. What waits is in the log itself, so that nothing is held in memory; what was sent just
 * before a connection broke is sent again, and an entry's number tells which came twice.
 */
export class Syslog {
  readonly #options: Required<SyslogOptions>;
  readonly #backOff: BackOff;
  #connection: SyslogConnection | undefined;
  #problem: string | undefined;
  readonly #place: SyslogPlace;
  #lost = 0;
  #isOver = false;
  #isBusy = false;
  #cancelTry: (() => void) | undefined;
  #off: () => void = () => {};

  constructor(options: SyslogOptions) {
    this.#options = { random: Math.random, disk: systemDisk, most: maxSyslogBehind, ...options };
    this.#backOff = new BackOff({ spread: () => spread, random: this.#options.random });
    this.#place = new SyslogPlace({ ...this.#options, settled: () => this.#backOff.held() });
  }

  start(): void {
    const { audit, elsewhere } = this.#options;
    this.#place.start(audit.head()?.n ?? 0);
    const ends = [audit.written, elsewhere].map((signal) => signal.on(() => this.#wake()));
    this.#off = () => ends.forEach((end) => end());
    this.#try();
  }

  async stop(): Promise<void> {
    this.#off();
    // What is the console's last word goes out with it, where somebody takes it.
    if (this.#connection && !this.#isBusy) await this.#send(this.#connection);
    const isThere = this.#connection !== undefined;
    this.#isOver = true;
    this.#cancelTry?.();
    this.#connection?.close();
    this.#connection = undefined;
    await this.#place.stop(isThere);
  }

  get state(): SyslogState {
    const { address, most } = this.#options;
    const behind = this.#behind();
    return {
      target: address.url,
      ok: this.#connection !== undefined,
      problem: this.#connection ? undefined : this.#problem,
      behind: Math.min(behind, most),
      lost: this.#lost + Math.max(0, behind - most),
    };
  }

  #behind(): number {
    try {
      return Math.max(0, (this.#options.audit.head()?.n ?? 0) - this.#place.sent);
    } catch {
      // The last does not read, which is for whoever verifies the chain.
      return 0;
    }
  }

  #wake(): void {
    const connection = this.#connection;
    // Behind the transaction that writes it.
    if (connection) setImmediate(() => void this.#send(connection));
  }

  #try(): void {
    this.#cancelTry = undefined;
    void this.#connect().catch((thrown: unknown) => this.#away(asError(thrown)));
  }

  async #connect(): Promise<void> {
    const { address, log } = this.#options;
    let isOpen = true;
    const connection = await openSyslog(address, (why) => {
      if (isOpen) this.#broke(connection, why);
      isOpen = false;
    });
    if (this.#isOver) return connection.close();
    if (this.#problem !== undefined) log.info({ target: address.url }, "the audit log is sent on again");
    this.#connection = connection;
    this.#problem = undefined;
    this.#skip();
    await this.#send(connection);
  }

  /** Of what waits the newest stay, and the log says which have not been sent. */
  #skip(): void {
    const { audit, most, address } = this.#options;
    const lost = this.#behind() - most;
    if (lost <= 0) return;
    const [first, last] = [this.#place.sent + 1, this.#place.sent + lost];
    this.#place.skipTo(last);
    this.#lost += lost;
    const detail = { entries: lost, first, last };
    audit.note({
      who: "console",
      from: "console",
      what: "audit.syslog-lost",
      on: address.url,
      result: "refused",
      detail,
    });
  }

  async #send(connection: SyslogConnection): Promise<void> {
    if (this.#isBusy || this.#isOver || connection !== this.#connection) return;
    this.#isBusy = true;
    const { clock } = this.#options;
    let cancel = (): void => {};
    try {
      while (connection === this.#connection && !this.#isOver) {
        const entries = this.#next();
        const last = entries.at(-1);
        if (!last || !(await this.#isSynced())) return;
        cancel = clock.after(sendTime, () => this.#broke(connection, new Error("it takes nothing any more")));
        await connection.send(entries.map((entry) => syslogLine(entry)));
        cancel();
        if (connection !== this.#connection) return;
        this.#place.sentTo(last.n);
      }
    } catch (thrown) {
      this.#broke(connection, asError(thrown));
    } finally {
      cancel();
      this.#isBusy = false;
      // Another one, which came meanwhile.
      if (this.#connection && this.#connection !== connection) void this.#send(this.#connection);
    }
  }

  /** Where the disk takes nothing, the next entry is another occasion. */
  async #isSynced(): Promise<boolean> {
    return this.#options.synced().then(
      () => true,
      () => false,
    );
  }

  #next(): AuditEntry[] {
    const found: AuditEntry[] = [];
    for (const entry of entriesAfter(this.#options.database, this.#place.sent)) {
      if (entry) found.push(entry);
      if (found.length >= atOnce) break;
    }
    return found;
  }

  #broke(connection: SyslogConnection | undefined, why: Error): void {
    if (this.#isOver || !connection || connection !== this.#connection) return;
    connection.close();
    this.#connection = undefined;
    this.#away(why);
  }

  #away(why: Error): void {
    const { log, address, clock } = this.#options;
    if (this.#isOver || this.#cancelTry) return;
    this.#place.back();
    if (this.#problem === undefined)
      log.warn(
        { target: address.url, err: why },
        "the audit log cannot be sent on; what waits is sent when it is there",
      );
    this.#problem = why.message;
    this.#cancelTry = clock.after(this.#backOff.absent(), () => this.#try());
  }
}
