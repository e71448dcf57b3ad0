import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { DirectoryLock } from "#shared/directory-lock";
import { silentLog, type Log } from "#shared/log";
import { privateDirectory } from "#shared/private-files";
import { tellAccountChange } from "./account-watch.ts";
import { Accounts } from "./accounts.ts";
import { FilesOfBefore } from "./files-of-before.ts";
import { MqttSecrets } from "./mqtt-secrets.ts";
import { Damage } from "./store/damage.ts";
import { busyPatience, longPatience, type Database } from "./store/database.ts";
import { closeDatabase } from "./store/group-sync.ts";
import { mendIndexes, openMended, type DamagedFile } from "./store/mend.ts";
import { Persist } from "./store/persist.ts";
import { migrations } from "./store/schema.ts";

/** What the console keeps in its data directory: accounts, devices, commands. */
export interface State {
  readonly directory: string;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly mqttSecrets: MqttSecrets;
  /** What in the directory did not read. */
  readonly damage: Damage;
  /** Remembers which files there are by now, so that one that goes is missed at the next start. */
  noteFiles(): void;
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
    const state = open(directory, clock, log, lock, syncsEach ? longPatience : busyPatience);
    if (syncsEach) state.database.exec("PRAGMA synchronous = FULL");
    return state;
  } catch (thrown) {
    lock.release();
    throw thrown;
  }
}

function open(directory: string, clock: Clock, log: Log, lock: DirectoryLock, patience: number): State {
  const files = new FilesOfBefore(directory, log);
  const missing = files.missing();
  const damaged: DamagedFile[] = [];
  const database = openMended({
    path: join(directory, "muster.db"),
    migrations,
    now: () => clock.now(),
    rescue: true,
    patience,
    told: (file) => damaged.push(file),
  });
  const damage = new Damage(database, clock, log);
  for (const file of damaged) damage.noteFile(file);
  for (const [table, why] of mendIndexes(database, lookedUp)) damage.note(table, "", why);
  for (const { file, why } of missing) damage.note(file, "", why);
  files.note();
  const persist = new Persist(database, clock, log);
  const accounts = new Accounts(database, clock, { onChange: () => tellAccountChange(directory, clock.now()) });
  const mqttSecrets = new MqttSecrets({ database, accounts });
  const close = (): void => {
    files.note();
    persist.stop();
    closeDatabase(database);
    lock.release();
  };
  return { directory, database, accounts, mqttSecrets, damage, persist, noteFiles: () => files.note(), close };
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
