import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { Accounts } from "./accounts.ts";
import { openDatabase, type Database } from "./store/database.ts";
import { migrations } from "./store/schema.ts";

/** What the console keeps in its data directory: accounts, devices, commands. */
export interface State {
  readonly directory: string;
  readonly database: Database;
  readonly accounts: Accounts;
  close(): void;
}

/** @throws EnvironmentError when the directory cannot be used */
export function openState(directory: string, clock: Clock): State {
  const database = openDatabase(join(directory, "muster.db"), migrations);
  return { directory, database, accounts: new Accounts(database, clock), close: () => database.close() };
}
