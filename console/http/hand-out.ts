import type { FastifyInstance } from "fastify";
import type { CommandDocument } from "#api/command-document";
import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Accounts } from "../accounts/accounts.ts";
import type { Console } from "../console.ts";
import type { Command } from "../desk/command.ts";
import { toCommandDocument } from "./documents.ts";
import type { Send } from "./pages.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { clockRoutes } from "./routes/clock.ts";
import { commandRoutes } from "./routes/commands.ts";
import { completenessRoutes } from "./routes/completeness.ts";
import { damageRoutes } from "./routes/damage.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { eventRoutes } from "./routes/events.ts";
import { fieldRoutes } from "./routes/fields.ts";
import { groupRoutes } from "./routes/groups.ts";
import { healthRoutes } from "./routes/health.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { quarantineRoutes } from "./routes/quarantine.ts";
import { refusalRoutes } from "./routes/refusals.ts";
import { selfRoutes } from "./routes/self.ts";
import { sessionRoutes } from "./routes/session.ts";

export interface HandOut {
  /** A started one: its parts are handed out now. */
  readonly console: Console;
  readonly accounts: Accounts;
  readonly clock: Clock;
  readonly send: Send;
}

/** Gives each route the part of the console that it serves. No route knows the whole. */
export async function registerRoutes(app: FastifyInstance, { console, accounts, clock, send }: HandOut): Promise<void> {
  const { registry, desk, jobs, store, contract, damage, refusals, events, faults } = console;
  const { completeness } = console.ingest.batches;
  const isKnown = (id: DeviceId): boolean => registry.get(id) !== undefined;
  const document = (command: Command): CommandDocument =>
    toCommandDocument(command, registry.get(command.device), desk.answerTimes(command.device, command.key));
  const remove = (id: DeviceId, by: string): void => void console.removeDevice(id, by);
  const whyRemoved = (id: DeviceId): string | undefined => console.whyRemoved(id);
  const samplesHealth: Console["storeHealth"] = () => console.storeHealth();
  const routes = [
    sessionRoutes({ accounts, send }),
    accountRoutes({ accounts, send }),
    deviceRoutes({ registry, completeness, store, clock, remove, whyRemoved, send }),
    completenessRoutes({ completeness, isKnown, send }),
    commandRoutes({ desk, accounts, document, send }),
    jobRoutes({ jobs, send }),
    groupRoutes({ groups: jobs.groups, isKnown, send }),
    quarantineRoutes({ contract, send }),
    fieldRoutes({ conflicts: contract.conflicts, settle: (...word) => console.settleField(...word), send }),
    refusalRoutes({ refusals, send }),
    clockRoutes({ believe: () => console.believeClock() }),
    damageRoutes({ damage, send }),
    selfRoutes({ report: () => console.report() }),
    eventRoutes({
      accounts,
      devices: registry,
      samples: events.samples,
      commands: desk.changes,
      document,
      jobs: jobs.changes,
      refusals: refusals.changes,
      store: { changes: events.store, health: samplesHealth },
    }),
    healthRoutes({
      samples: samplesHealth,
      clock: () => console.clockVerdict,
      brokerConnected: () => console.brokerConnected,
      rows: () => console.rowsHealth(),
      damage,
      faults,
    }),
  ];
  for (const route of routes) await app.register(route);
}
