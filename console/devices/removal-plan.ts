import type { DeviceId } from "#shared/ids";
import type { Database } from "../database/database.ts";

/** What goes with a device when it is removed, and what stays, each as a count. */
export interface RemovalPlan {
  readonly goes: Readonly<Record<keyof typeof goes, number>>;
  readonly stays: Readonly<Record<keyof typeof stays, number>>;
}

const open = "('queued', 'accepted', 'running')";

/** By what it is called, where it is. */
const goes = {
  accounts: "accounts WHERE name = ?1 AND role = 'device'",
  certificates: "certificates WHERE device = ?1 AND state IN ('waiting', 'used')",
  openCommands: `commands WHERE device = ?1 AND state IN ${open}`,
  waitingInJobs: "job_devices WHERE device = ?1 AND state = 'waiting'",
  groups: "device_groups WHERE device = ?1",
  labels: "device_labels WHERE device = ?1",
  settings: "configurations WHERE scope = 'device:' || ?1",
  outboxes: "outboxes WHERE device = ?1",
  gaps: "outbox_gaps WHERE device = ?1",
  setAside: "quarantine WHERE device = ?1",
} as const;

const stays = {
  endedCommands: `commands WHERE device = ?1 AND state NOT IN ${open}`,
  auditEntries: "audit WHERE object = ?1",
} as const;

/** What a removal would take away now; its samples stay in the store in any case. */
export function removalPlan(database: Database, device: DeviceId): RemovalPlan {
  const counted = <K extends string>(places: Readonly<Record<K, string>>): Record<K, number> =>
    Object.fromEntries(
      Object.entries<string>(places).map(([name, place]) => {
        const row = database.prepare(`SELECT count(*) AS count FROM ${place}`).get(device) as { count: number };
        return [name, row.count];
      }),
    ) as Record<K, number>;
  return { goes: counted(goes), stays: counted(stays) };
}
