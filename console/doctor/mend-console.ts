import { existsSync } from "node:fs";
import { join } from "node:path";
import { DirectoryLock } from "#disk/directory-lock";
import type { Finding } from "#shared/finding";
import type { Clock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { CommandRows } from "../desk/command-rows.ts";
import { Registry } from "../devices/registry.ts";
import { openState, type State } from "../state/state.ts";
import { damageOf, maxDamaged, type DamagedTable } from "../database/damage.ts";
import { faultsOf, type Database } from "../database/database.ts";
import { closeDatabase } from "../database/group-sync.ts";
import { mend, openMended, type DamagedFile, type MendOptions } from "../database/mend.ts";
import { databases } from "./look.ts";
import { doors } from "../state/row-doors.ts";

/**
 * Sets aside in a console's data directory what a start would, and what only a longer look finds.
 * @throws EnvironmentError when a console works in it
 */
export function mendConsole(directory: string, clock: Clock): Finding[] {
  const since = Math.round(clock.now());
  const state = openWhole(directory, clock);
  try {
    const indexes = databases.flatMap((kind) => mendFile(state, { ...kind, path: join(directory, kind.file) }, clock));
    mendRows(state, clock);
    const fresh = state.damage.list(maxDamaged.rows).filter(({ ts }) => ts >= since);
    const said = fresh.map(({ place, name, why }): Finding => ({
      what: place,
      state: "mended",
      says: `set aside or mended: ${name} ${why}`,
    }));
    return [...said, ...indexes];
  } finally {
    state.close();
  }
}

type Kind = (typeof databases)[number] & { readonly path: string };

/** What a start opens; but for faults that only the longer look finds, its file is set aside, too. */
function openWhole(directory: string, clock: Clock): State {
  const open = (): State => openState(directory, clock, silentLog, { serves: true });
  const state = open();
  const faults = faultsOf(state.database);
  if (faults.length === 0 || reindexable(state.database)) return state;
  state.close();
  const [{ file, migrations, rescue, doors: through }] = databases;
  const set: DamagedFile[] = [];
  const path = join(directory, file);
  const why = new Error(faults.join("; "));
  const lock = new DirectoryLock("console", directory, silentLog);
  lock.acquire();
  try {
    const told = (one: DamagedFile): number => set.push(one);
    closeDatabase(mend({ path, migrations, rescue, doors: through, now: () => clock.now(), told }, why));
  } finally {
    lock.release();
  }
  const anew = open();
  for (const one of set) anew.damage.noteFile(one);
  return anew;
}

/** Indexes that do not fit their tables are made anew from them; what else is wrong with a file costs the file. */
function mendFile(
  { damage, database: own }: State,
  { file, path, migrations, rescue, doors: through }: Kind,
  clock: Clock,
): Finding[] {
  if (!existsSync(path)) return [];
  const told = (one: DamagedFile): void => damage.noteFile(one);
  const options: MendOptions = { path, migrations, rescue, doors: through, now: () => clock.now(), told };
  const isOwn = file === "muster.db";
  const database = isOwn ? own : openMended(options);
  const faults = faultsOf(database);
  const isMended = faults.length === 0 || reindexed(database);
  if (!isOwn) {
    closeDatabase(database);
    if (!isMended) closeDatabase(mend(options, new Error(faults.join("; "))));
  }
  if (faults.length === 0 || !isMended) return [];
  return [{ what: file, state: "mended", says: `its indexes were made anew: ${faults.join("; ")}` }];
}

/** Whether that would do, without doing it. */
function reindexable(database: Database): boolean {
  database.exec("BEGIN");
  try {
    return reindexed(database);
  } finally {
    if (database.isTransaction) database.exec("ROLLBACK");
  }
}

function reindexed(database: Database): boolean {
  try {
    database.exec("REINDEX");
    return faultsOf(database).length === 0;
  } catch {
    return false;
  }
}

/** Commands and devices are not taken out whole: what a start does with them is done here. */
function mendRows({ database }: State, clock: Clock): void {
  const commands = new CommandRows(database, clock);
  // A list reads the short form of a long one.
  for (const command of commands.walk({})) commands.find(command);
  new Registry({ database, clock, enrolled: () => true }).start();
  for (const [table, door] of Object.entries(doors)) {
    if (table === "commands" || table === "devices") continue;
    damageOf(database).all(table as DamagedTable, database.prepare(`SELECT * FROM ${table}`), door);
  }
}
