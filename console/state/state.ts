import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { DirectoryLock } from "#disk/directory-lock";
import { asError, EnvironmentError } from "#shared/errors";
import { silentLog, type Log } from "#shared/log";
import { privateDirectory } from "#disk/private-files";
import { tellAccountChange } from "../accounts/account-watch.ts";
import { Accounts } from "../accounts/accounts.ts";
import { BrokerCopy } from "../accounts/broker-copy.ts";
import { FilesOfBefore, type MissingFile } from "../database/files-of-before.ts";
import { settleAnchor, writeAnchor } from "../audit/anchor.ts";
import { Audit, type AuditHead } from "../audit/audit.ts";
import { assertExchanged, finishExchange } from "./exchange.ts";
import { Certificates } from "../certificates/certificates.ts";
import { MqttSecrets } from "../accounts/mqtt-secrets.ts";
import { OlderFiles, type Older } from "../database/older-files.ts";
import { Damage } from "../database/damage.ts";
import { busyPatience, longPatience, type Database } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { mendIndexes, openMended, type DamagedFile } from "../database/mend.ts";
import { Persist } from "../database/persist.ts";
import { migrations } from "../database/schema.ts";
import { salvageDoors } from "./row-doors.ts";
import { Groups } from "../devices/groups.ts";
import { Setbacks } from "../database/setbacks.ts";

/** What the console keeps in its data directory: accounts, devices, commands. */
export interface State {
  readonly directory: string;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly mqttSecrets: MqttSecrets;
  /** What a broker makes of their changes. */
  readonly brokerCopy: BrokerCopy;
  /** Devices' certificates, and whom they let in. */
  readonly certificates: Certificates;
  /** Who did what. */
  readonly audit: Audit;
  /** Which device is in which groups, for those who are limited to some. */
  readonly groups: Groups;
  /** What in the directory did not read. */
  readonly damage: Damage;
  /** Remembers which files there are by now, so that one that goes is missed at the next start. */
  noteFiles(mark?: number): void;
  /** The newest mark of the files when they were opened, and when that of `muster.db` was made; undefined where no console is to work with them. */
  readonly newestMark: { readonly number: number; readonly at: number | undefined } | undefined;
  /** What the files have gone back to. */
  readonly setbacks: Setbacks;
  /** The way of rows that nobody waits for. */
  readonly persist: Persist;
  close(): void;
}

export interface OpenStateOptions {
  /** Whether a console is to work with it, of which a directory has room for one; commands about accounts work beside it. */
  readonly serves?: boolean;
  /**
   * Whether each commit is on the disk when it returns, and another process's lock is waited for: for commands, which say at once what they have
   * done and serve nobody meanwhile. A console awaits `syncOf`, and tries again.
   */
  readonly syncsEach?: boolean;
}

/**
 * @throws EnvironmentError when the directory cannot be used, is somebody else's, or another console works in it; what stands
 *   in it is no reason
 */
export function openState(
  directory: string,
  clock: Clock,
  log: Log = silentLog,
  { serves = false, syncsEach = false }: OpenStateOptions = {},
): State {
  const isEmpty = isEmptyDirectory(directory);
  privateDirectory(directory, log);
  // Of a disk that did not come up, its empty mount point is left.
  if (isEmpty)
    log.warn(
      { directory },
      `${directory} is empty: a new console begins in it, without accounts and devices. If there was one before, stop Muster, see whether its disk is mounted, and start again`,
    );
  const lock = new DirectoryLock("console", directory, log);
  if (serves) lock.acquire();
  try {
    if (serves) finishExchange(directory);
    else assertExchanged(directory);
    const state = open(directory, clock, log, lock, { serves, patience: syncsEach ? longPatience : busyPatience });
    if (syncsEach) state.database.exec("PRAGMA synchronous = FULL");
    return state;
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

function open(
  directory: string,
  clock: Clock,
  log: Log,
  lock: DirectoryLock,
  { serves, patience }: { readonly serves: boolean; readonly patience: number },
): State {
  const files = new FilesOfBefore(directory, log);
  const missing = files.missing();
  // A command about accounts leaves the judgement to the next start.
  const marks = serves ? new OlderFiles(directory, files.mark) : undefined;
  const damaged: DamagedFile[] = [];
  const database = openMended({
    path: join(directory, "muster.db"),
    migrations,
    now: () => clock.now(),
    rescue: true,
    doors: salvageDoors,
    patience,
    log,
    told: (file) => damaged.push(file),
    // A console holds it until it ends.
    alone: serves ? undefined : (why, mended) => underLock(lock, directory, why, mended),
  });
  const damage = new Damage(database, clock, log);
  for (const file of damaged) damage.noteFile(file);
  for (const [table, why] of mendIndexes(database, lookedUp)) damage.note(table, "", why);
  for (const { file, why } of missing) damage.note(file, "", why);
  const setbacks = new Setbacks(database, clock);
  noteSetbacks(setbacks, missing, marks?.older ?? []);
  for (const { file, why } of marks?.older ?? []) damage.note(file, "", why);
  marks?.settle(clock.now(), log);
  files.note(marks?.started);
  const persist = new Persist(database, clock, log);
  const tellOthers = (): void => tellAccountChange(directory, clock.now());
  const accounts = new Accounts(database, clock, { onChange: tellOthers });
  const groups = new Groups(database, () => {
    try {
      tellOthers();
    } catch (error) {
      // The device is in its new groups here, and of a removed one this is the least.
      log.warn({ err: asError(error) }, "a broker that runs beside has not heard of the devices' groups: restart it");
    }
  });
  accounts.elsewhere.on(() => groups.changedElsewhere());
  const mqttSecrets = new MqttSecrets({ database, accounts });
  const audit = new Audit({ database, clock });
  const forked = serves ? settleAnchor(directory, database, audit, log) : undefined;
  for (const { file: on, why } of [...missing, ...(marks?.older ?? [])])
    audit.note({ who: "console", from: "console", what: "data.set-back", on, detail: { why } });
  // Where the whole database is another one, that is what is told; the log says the rest.
  const isOther = [...missing, ...(marks?.older ?? []), ...damaged].some(({ file }) => file === "muster.db");
  if (forked !== undefined && !isOther) damage.note("audit", "", forked);
  const certificates = new Certificates({ database, accounts, clock, audit });
  const close = (): void => {
    files.note();
    persist.stop();
    const head = audit.hasWritten ? lastOf(audit) : undefined;
    closeDatabase(database);
    if (head) writeAnchor(directory, head, log);
    lock.release();
  };
  const noteFiles = (mark?: number): void => files.note(mark);
  return {
    directory,
    database,
    accounts,
    mqttSecrets,
    brokerCopy: new BrokerCopy(),
    certificates,
    audit,
    groups,
    damage,
    persist,
    noteFiles,
    newestMark: marks && { number: marks.newest, at: marks.lastKnown },
    setbacks,
    close,
  };
}

/** Where its last entry does not read, whoever verifies the log finds that. */
function lastOf(audit: Audit): AuditHead | undefined {
  try {
    return audit.head();
  } catch {
    return undefined;
  }
}

/**
 * For a command beside a console, and for a broker: what a console has open may get no other name, or all that it writes is lost.
 * Only as long as it takes, because a console is to start beside these.
 */
function underLock<T>(lock: DirectoryLock, directory: string, why: string, work: () => T): T {
  try {
    lock.acquire();
  } catch (cause) {
    throw new EnvironmentError(
      `${why}. A console is at work in ${directory} and has it open: stop Muster and start it again, which mends it (muster doctor says what is damaged), and then do this anew`,
      { cause },
    );
  }
  try {
    return work();
  } finally {
    lock.release();
  }
}

/** Of what counts somewhere else: samples that were stored, and commands that were open. */
function noteSetbacks(setbacks: Setbacks, missing: readonly MissingFile[], older: readonly Older[]): void {
  for (const { file } of missing)
    if (file === "metrics.db") setbacks.note(file, null, "the embedded store's file was gone");
  for (const { file, since } of older) {
    const why = since === null ? "an older copy" : `a copy of ${new Date(since).toISOString()}`;
    if (file === "metrics.db") setbacks.note(file, since, `the embedded store's file was put back to ${why}`);
    if (file === "muster.db") setbacks.note(file, since, `the console's state was put back to ${why}`);
  }
}

/** Small tables whose rows decide who comes in: a row that its index hides locks somebody out. */
const lookedUp = ["accounts", "tokens", "mqtt_secrets"];

function isEmptyDirectory(path: string): boolean {
  try {
    return readdirSync(path).every((name) => name === "lost+found");
  } catch {
    // There is none, which is as good as said by whoever makes it.
    return false;
  }
}
