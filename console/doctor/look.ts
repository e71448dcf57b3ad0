import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { counted } from "#shared/counted";
import { maxSmallFileBytes, readRegularFile, whyNoFile } from "#disk/regular-file";
import { asError } from "#shared/errors";
import { firstFew, type Finding } from "#shared/finding";
import { silentLog, type Log } from "#shared/log";
import { FilesOfBefore, listName } from "../database/files-of-before.ts";
import { heldSchema } from "../ingest/contract/held.ts";
import { spoolSchema } from "../ingest/spool/spool-rows.ts";
import { OlderFiles } from "../database/older-files.ts";
import { nameOfRow, type DamagedTable } from "../database/damage.ts";
import { plain, type Row } from "../database/row.ts";
import { faultsOf, openForReading, shapeOf, shapeProblems, versionOf, type Database } from "../database/database.ts";
import { metricsSchema } from "../store/metrics-schema.ts";
import { migrations as stateSchema } from "../database/schema.ts";
import { lookAtAudit } from "./look-at-audit.ts";
import { doors, salvageDoors } from "../state/row-doors.ts";

/** A database of the console's, and whether what reads of a damaged one is taken over. */
export const databases = [
  { file: "muster.db", migrations: stateSchema, rescue: true, doors: salvageDoors },
  { file: "metrics.db", migrations: metricsSchema, rescue: false, doors: {} },
  { file: "spool.db", migrations: spoolSchema, rescue: true, doors: {} },
  { file: "held.db", migrations: heldSchema, rescue: true, doors: {} },
] as const;
type Kind = (typeof databases)[number];

export function isConsoleDirectory(directory: string): boolean {
  return [...databases.map(({ file }) => file), listName].some((name) => existsSync(join(directory, name)));
}

/** Looks at a console's data directory and changes nothing in it: also beside a running one. */
export function lookAtConsole(directory: string): Finding[] {
  const listed: Finding[] = [];
  const log: Log = { ...silentLog, warn: (fields, says) => listed.push(unreadableList(fields, says)) };
  const before = new FilesOfBefore(directory, log);
  const missing = before.missing();
  const { older } = new OlderFiles(directory, before.mark);
  return [
    ...listed,
    ...[...missing, ...older].map(({ file, why }): Finding => ({ what: file, state: "damaged", says: why })),
    ...databases.flatMap((kind) => lookAtDatabase(directory, kind)),
    ...lookAtSecrets(join(directory, "secrets")),
    ...setAsideFiles(directory),
  ];
}

function unreadableList(fields: object, says: string): Finding {
  const why = "err" in fields ? `: ${asError(fields.err).message}` : "";
  return { what: listName, state: "damaged", says: `${says}${why}` };
}

function lookAtDatabase(directory: string, { file, migrations }: Kind): readonly Finding[] {
  const path = join(directory, file);
  if (!existsSync(path)) return [];
  const damaged = (says: string): Finding => ({ what: file, state: "damaged", says });
  const why = whyNoFile(path);
  if (why !== undefined) return [damaged(why)];
  if (statSync(path).size === 0) return [damaged("it is empty")];
  let database: Database | undefined;
  try {
    database = openForReading(path);
    const version = versionOf(database);
    const known = migrations.slice(0, version);
    const faults = [...faultsOf(database), ...(version > migrations.length ? [] : shapeProblems(database, known))];
    const rows = file === "muster.db" ? unreadable(database) : [];
    if (faults.length + rows.length > 0) return firstFew([...faults.map(damaged), ...rows]);
    const newer = version > migrations.length ? `, of a newer Muster (schema ${version})` : "";
    return [
      { what: file, state: "sound", says: `${sizeOf(path)}${newer}: ${counts(database)}` },
      ...told(database, file),
      ...(file === "muster.db" ? lookAtAudit(directory, database) : []),
    ];
  } catch (thrown) {
    return [damaged(`it cannot be read: ${asError(thrown).message}`)];
  } finally {
    if (database?.isOpen) database.close();
  }
}

/** Rows that the console would set aside. */
function unreadable(database: Database): Finding[] {
  const there = shapeOf(database);
  const tables = Object.entries(doors).filter(([table]) => there.has(table));
  return tables.flatMap(([table, door]) => [...unreadableIn(database, table as DamagedTable, door)]);
}

function* unreadableIn(database: Database, table: DamagedTable, door: (row: Row) => unknown): Generator<Finding> {
  const select = database.prepare(`SELECT * FROM ${table}`);
  select.setReadBigInts(true);
  try {
    for (const row of select.iterate()) {
      const why = refusal(plain(row as Row), door);
      const name = nameOfRow(table, row as Row);
      if (why !== undefined)
        yield { what: "muster.db", state: "damaged", says: `a row of ${table} does not read (${name}): ${why}` };
    }
  } catch (thrown) {
    yield {
      what: "muster.db",
      state: "damaged",
      says: `${table} does not read to its end: ${asError(thrown).message}`,
    };
  }
}

function refusal(row: Row, door: (row: Row) => unknown): string | undefined {
  try {
    door(row);
    return undefined;
  } catch (thrown) {
    return asError(thrown).message;
  }
}

/** Tables of which nobody wants to know how many rows they have. */
const own: ReadonlySet<string> = new Set(["damaged", "mark", "setbacks"]);

function counts(database: Database): string {
  const tables = [...shapeOf(database).keys()].filter((table) => !own.has(table));
  const all = tables.map((table) => {
    const row = database.prepare(`SELECT count(*) AS count FROM ${table}`).get() as { count: number };
    return `${table} ${row.count}`;
  });
  return all.join(", ");
}

/** What was set aside by starts of before, which is no damage any more. */
function told(database: Database, file: string): Finding[] {
  if (file !== "muster.db" || !shapeOf(database).has("damaged")) return [];
  const rows = database.prepare("SELECT ts, place, name, why FROM damaged ORDER BY id DESC").all() as Row[];
  const findings = rows.map(({ ts, place, name, why }): Finding => {
    const when = new Date(Number(ts)).toISOString();
    return { what: String(place), state: "note", says: `set aside ${when}: ${String(name)} ${String(why)}` };
  });
  return [...firstFew(findings)];
}

function lookAtSecrets(path: string): Finding[] {
  if (!existsSync(path)) return [];
  const findings: Finding[] = [];
  const names = readdirSync(path);
  for (const name of ["", ...names]) {
    const why = secretProblem(join(path, name), name === "");
    if (why !== undefined) findings.push({ what: join("secrets", name), state: "damaged", says: why });
  }
  if (findings.length > 0) return [...firstFew(findings)];
  return [{ what: "secrets", state: "sound", says: `${counted(names.length, "file")}, for their owner alone` }];
}

function secretProblem(path: string, isDirectory: boolean): string | undefined {
  try {
    const why = isDirectory ? undefined : whyNoFile(path);
    if (why !== undefined) return why;
    const { mode } = statSync(path);
    // Windows knows no such modes.
    if (process.getuid !== undefined && mode & 0o077)
      return `others than its owner can read it: close it (chmod go-rwx '${path}'), and remove it to have another one made`;
    if (!isDirectory && readRegularFile(path, maxSmallFileBytes).toString("utf8").trim() === "")
      return "it is empty: remove it to have another one made";
    return undefined;
  } catch (thrown) {
    return `it cannot be read: ${asError(thrown).message}`;
  }
}

function setAsideFiles(directory: string): Finding[] {
  const names = readdirSync(directory).filter((name) => name.includes(".damaged-"));
  return names.map((name) => ({
    what: name,
    state: "note",
    says: `a damaged file that was set aside, ${sizeOf(join(directory, name))}: ${leftIn(name)}; delete it when you have what you want of it`,
  }));
}

/** What a person may do with it. */
function leftIn(name: string): string {
  const taken = name.startsWith("metrics.db") ? "nothing of it was taken over" : "what read of it is in the new one";
  return `${taken}, and sqlite3 ${name} .dump may get out more`;
}

function sizeOf(path: string): string {
  return `${Math.ceil(statSync(path).size / 1024)} KiB`;
}
