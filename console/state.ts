import { join } from "node:path";
import type { Clock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { privateDirectory } from "#shared/private-files";
import { tellAccountChange } from "./account-watch.ts";
import { Accounts } from "./accounts.ts";
import { MqttSecrets } from "./mqtt-secrets.ts";
import { openDatabase, type Database } from "./store/database.ts";
import { migrations } from "./store/schema.ts";

/** What the console keeps in its data directory: accounts, devices, commands. */
export interface State {
  readonly directory: string;
  readonly database: Database;
  readonly accounts: Accounts;
  readonly mqttSecrets: MqttSecrets;
  close(): void;
}

/** @throws EnvironmentError when the directory cannot be used, or is somebody else's */
export function openState(directory: string, clock: Clock, log: Log = silentLog): State {
  privateDirectory(directory, log);
  const database = openDatabase(join(directory, "muster.db"), migrations);
  const accounts = new Accounts(database, clock, { onChange: () => tellAccountChange(directory, clock.now()) });
  const mqttSecrets = new MqttSecrets({ database, accounts });
  return { directory, database, accounts, mqttSecrets, close: () => database.close() };
}
