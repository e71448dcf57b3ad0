import { chmodSync, readdirSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { syncDirectory } from "#disk/durable-file";
import { asError, EnvironmentError } from "#shared/errors";

/** Copies of one database from before its migrations that are kept; the oldest go. Each is as large as the database was. */
export const maxSchemaCopies = 2;

/**
 * Keeps a copy of a database as it is before it is brought to a newer schema, under its name with the number of its schema: a migration cannot be
 * undone, and who goes back to the Muster of before needs the file of before.
 * @param vacuum has SQLite write a whole copy to a path
 * @throws EnvironmentError where there is no room for it: then nothing has been changed
 */
export function keepSchemaCopy(path: string, schema: number, vacuum: (to: string) => void): void {
  const copy = `${path}.schema-${schema}`;
  const made = `${copy}.new`;
  try {
    rmSync(made, { force: true });
    vacuum(made);
    chmodSync(made, 0o600);
    renameSync(made, copy);
    syncDirectory(dirname(path));
  } catch (cause) {
    rmSync(made, { force: true });
    throw new EnvironmentError(
      `${path} has an older schema (${schema}), and cannot be copied before it is changed: ${asError(cause).message}; make room for as much again on its disk. Nothing was changed`,
      { cause },
    );
  }
  for (const old of copiesOf(path).slice(0, -maxSchemaCopies)) rmSync(old, { force: true });
}

/** Oldest first. */
function copiesOf(path: string): string[] {
  const names = readdirSync(dirname(path)).flatMap((name): [number, string][] => {
    const [, schema] = name.startsWith(`${basename(path)}.schema-`) ? (/\.schema-(\d+)$/.exec(name) ?? []) : [];
    return schema === undefined ? [] : [[Number(schema), join(dirname(path), name)]];
  });
  return names.toSorted(([a], [b]) => a - b).map(([, name]) => name);
}
