import type { FastifyInstance } from "fastify";
import type { CommandDocument } from "#api/command-document";
import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Accounts } from "../accounts/accounts.ts";
import type { Console } from "../console.ts";
import type { IdentityProvider } from "../provider/identity-provider.ts";
import type { Command } from "../desk/command.ts";
import type { Device } from "../devices/device.ts";
import { chooser } from "./choosing.ts";
import type { FleetRow } from "../devices/fleet-columns.ts";
import { FleetFeeds } from "./fleet-feed.ts";
import { toCommandDocument } from "./documents.ts";
import type { Joining } from "./joining.ts";
import type { Send } from "./list-pages.ts";
import { lookedUpSeldom } from "./remembered.ts";
import { browsersChannel } from "../notifications/push/browser.ts";
import { serveAlerts } from "./routes/serve-alerts.ts";
import { serveAudit } from "./routes/serve-audit.ts";
import { serveAccounts } from "./routes/serve-accounts.ts";
import { serveClock } from "./routes/serve-clock.ts";
import { serveCommands } from "./routes/serve-commands.ts";
import { serveCompleteness } from "./routes/serve-completeness.ts";
import { serveCondition } from "./routes/serve-condition.ts";
import { serveConsoleSettings } from "./routes/serve-console-settings.ts";
import { serveConfigurations } from "./routes/serve-configurations.ts";
import { serveDamage } from "./routes/serve-damage.ts";
import { serveDevices } from "./routes/serve-devices.ts";
import { serveEnrollments } from "./routes/serve-enrollments.ts";
import { serveEvents } from "./routes/serve-events.ts";
import { serveFleet } from "./routes/serve-fleet.ts";
import { Favourites } from "../accounts/favourites.ts";
import { serveFavourites } from "./routes/serve-favourites.ts";
import { serveFields } from "./routes/serve-fields.ts";
import { serveFiles } from "./routes/serve-files.ts";
import { serveGroups } from "./routes/serve-groups.ts";
import { serveHealth } from "./routes/serve-health.ts";
import { serveLabels } from "./routes/serve-labels.ts";
import { serveJobs } from "./routes/serve-jobs.ts";
import { serveJoinRequests } from "./routes/serve-join-requests.ts";
import { serveJoin } from "./routes/serve-join.ts";
import { serveNotifications } from "./routes/serve-notifications.ts";
import { serveProviderLogin } from "./routes/serve-provider-login.ts";
import { serveQuarantine } from "./routes/serve-quarantine.ts";
import { serveReports } from "./routes/serve-reports.ts";
import { serveRelease } from "./routes/serve-release.ts";
import { serveRefusals } from "./routes/serve-refusals.ts";
import { serveSecondFactors } from "./routes/serve-second-factors.ts";
import { serveService } from "./routes/serve-service.ts";
import { serveSchedules } from "./routes/serve-schedules.ts";
import { serveSelf } from "./routes/serve-self.ts";
import { serveSessions } from "./routes/serve-sessions.ts";
import { serveTokens } from "./routes/serve-tokens.ts";
import { serveTls } from "./routes/serve-tls.ts";
import { serveUnits } from "./routes/serve-units.ts";
import type { RunningSettings } from "../settings/running-settings.ts";
import { knownMeasurements } from "../units/known-measurements.ts";

export interface HandOut {
  /** A started one: its parts are handed out now. */
  readonly console: Console;
  readonly accounts: Accounts;
  readonly joining: Joining;
  readonly provider: IdentityProvider | undefined;
  readonly settings: RunningSettings | undefined;
  readonly clock: Clock;
  readonly send: Send;
}

/** Milliseconds for which the count of a device's missing samples stands in the fleet's table: it is two queries of each. */
const missingGoodFor = 30_000;

/** Gives each route the part of the console that it serves. No route knows the whole. */
export async function registerRoutes(app: FastifyInstance, given: HandOut): Promise<void> {
  const { console, accounts, joining, provider, settings, clock, send } = given;
  const {
    enrollments,
    claims,
    joinRequests,
    certifying,
    registry,
    desk,
    jobs,
    store,
    contract,
    damage,
    refusals,
    events,
    faults,
  } = console;
  const { completeness } = console.ingest.batches;
  const { unitWords } = console.configuration;
  const isKnown = (id: DeviceId): boolean => registry.get(id) !== undefined;
  const document = (command: Command): CommandDocument =>
    toCommandDocument(command, registry.get(command.device), desk.answerTimes(command.device, command.key));
  const remove = (id: DeviceId, by: string): void => void console.removeDevice(id, by);
  const rotateSecret: Console["rotateSecret"] = (...word) => console.rotateSecret(...word);
  const revoke: Parameters<typeof serveDevices>[0]["revoke"] = (...asked) => console.revokeCertificate(...asked);
  const whyRemoved = (id: DeviceId): string | undefined => console.whyRemoved(id);
  const samplesHealth: Console["storeHealth"] = () => console.storeHealth();
  const missing = lookedUpSeldom((id: DeviceId) => completeness.missing(id), missingGoodFor, clock);
  const rowOf = (device: Device): FleetRow => ({
    device,
    groups: jobs.groups.of(device.id),
    metric: (...name) => registry.valued(device.id, ...name),
    now: clock.now(),
    missing: () => missing(device.id),
    sampled: () => registry.sampled(device.id),
  });
  const choose = chooser(rowOf);

  const routes = [
    serveSessions({
      accounts,
      leaveBrowser: (id, account) => console.notifications.leaveBrowser(id, account),
      send,
    }),
    serveProviderLogin({
      accounts,
      provider,
      audit: () => console.audit,
      entrances: () => console.entrances,
      clock,
    }),
    serveAccounts({ accounts, send }),
    serveTokens({ accounts, send }),
    serveSecondFactors({ accounts }),
    serveDevices({
      registry,
      completeness,
      store,
      clock,
      measurementsOf: ({ id, measurements }) => knownMeasurements(measurements, unitWords.of(id)),
      identityOf: (id) => console.identityOf(id),
      remove,
      rotateSecret,
      whyRemoved,
      revoke,
      choose,
      send,
    }),
    serveFleet({ registry, rowOf, choose, send }),
    serveCompleteness({ completeness, isKnown, send }),
    serveCommands({ desk, accounts, document, send }),
    serveFiles({ desk, transfers: console.transfers, audit: console.audit }),
    serveJobs({ jobs, send }),
    serveSchedules({ schedules: console.schedules, jobs, accounts, now: () => console.clock.now() }),
    serveNotifications({ notifications: console.notifications }),
    serveAlerts({
      alerts: console.alerts,
      desk,
      isKnown,
      surroundings: {
        devices: function* () {
          for (const device of registry.walk()) yield rowOf(device);
        },
        isChannel: (name) => name === browsersChannel || console.notifications.channels.find(name) !== undefined,
        knowsValues: () => registry.knowsValues(),
      },
      now: () => console.clock.now(),
      synced: () => accounts.synced(),
    }),
    serveReports({ reports: console.reports, now: () => console.clock.now(), send }),
    serveGroups({ groups: jobs.groups, isKnown, send }),
    serveService({
      retirements: console.retirements,
      database: console.kept.database,
      isKnown,
      now: () => console.clock.now(),
      samplesStay: (id) => console.samplesStay(id),
    }),
    serveLabels({ labels: console.labels, isKnown }),
    serveConfigurations({ ...console.configuration, registry, now: () => console.clock.now() }),
    serveConsoleSettings({ settings, now: () => console.clock.now() }),
    serveUnits({ unitWords, isKnown, now: () => console.clock.now() }),
    serveFavourites({ favourites: new Favourites(console.kept.database) }),
    serveJoinRequests({ joinRequests, joining, send }),
    serveEnrollments({ enrollments, certifying, joining, send }),
    serveJoin({
      claims,
      accounts,
      brokerCopy: console.kept.brokerCopy,
      certifying,
      joining,
      isOnline: (device) => registry.get(device)?.online ?? false,
      refused: (who) => console.turnedAway(who),
    }),
    serveRelease({ shelf: joining.shelf }),
    serveQuarantine({ contract, send }),
    serveFields({ conflicts: contract.conflicts, settle: (...word) => console.settleField(...word), send }),
    serveRefusals({ refusals, send }),
    serveClock({ believe: () => console.believeClock() }),
    serveDamage({ damage, send }),
    serveAudit({ audit: console.audit, ...console.kept, send }),
    serveTls({ rotation: console.rotation, deviceRotation: console.deviceRotation }),
    serveSelf({ report: () => console.report() }),
    serveCondition({ condition: () => console.condition() }),
    serveEvents({
      accounts,
      devices: registry,
      samples: events.samples,
      commands: desk.changes,
      document,
      jobs,
      groups: jobs.groups.changes,
      alerts: console.alerts,
      refusals: refusals.changes,
      store: { changes: events.store, health: samplesHealth },
      feeds: new FleetFeeds({ registry, clock, rowOf, groupsOf: (id) => jobs.groups.of(id) }),
    }),
    serveHealth({
      samples: samplesHealth,
      clock: () => console.clockVerdict,
      brokerConnected: () => console.brokerConnected,
      rows: () => console.rowsHealth(),
      syslog: () => console.syslogState(),
      damage,
      faults,
    }),
  ];
  for (const route of routes) await app.register(route);
}
