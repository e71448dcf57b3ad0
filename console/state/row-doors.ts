import { parseAlert, parseAlertRule, parseLate, parseMute, parsePoint, parseSlot } from "../alerts/alert-rows.ts";
import { parseGuesses } from "../accounts/kept-guesses.ts";
import { parseFavourite } from "../accounts/favourites.ts";
import { parseAccount, parseMqttSecret } from "../accounts/account.ts";
import { parseCertificate } from "../certificates/certificate.ts";
import { parseSaid } from "../configuration/configurations.ts";
import { parseSent } from "../configuration/configured.ts";
import { parseKnownMoment as parseMoment } from "../clock/known-moment.ts";
import { parseAnswer } from "../desk/answers.ts";
import { parseCommand, parseCommandRow } from "../desk/kept-command.ts";
import { keptBirth, parseDeviceRow as parseDevice } from "../devices/device-rows.ts";
import { parseOffsetRow as parseOffset } from "../clock/clock-offsets.ts";
import { toMissing, toOutbox } from "../ingest/completeness/ledger-rows.ts";
import { parseDecision, parseFieldRow as parseType } from "../ingest/contract/field-types.ts";
import { parseQuarantineRow as parseSetAside } from "../ingest/contract/quarantine.ts";
import { parseMember } from "../devices/groups.ts";
import { parseLabels } from "../devices/labels.ts";
import { parseEnrollment, parseJoin } from "../enrollments/enrollment.ts";
import { parseJob, parseJobDevice } from "../jobs/kept-job.ts";
import { parseChannel } from "../notifications/channel.ts";
import { parseDelivery } from "../notifications/delivery.ts";
import { parseNotice, parseShownAlert } from "../notifications/notice.ts";
import { parseBrowser, parsePushKey } from "../notifications/push/browser.ts";
import { parseRemoval } from "../devices/removal.ts";
import { parseRetirement } from "../devices/retirements.ts";
import { parsePresenceChange, parsePresenceWatch, parseSampleCount } from "../presence/presence-rows.ts";
import type { DamagedTable } from "../database/damage.ts";
import type { Row } from "../database/row.ts";
import type { Doors } from "../database/salvage.ts";
import { parseSchedule, parseScheduleRun } from "../schedules/schedule-rows.ts";
import { parseKeptSetting } from "../settings/running-settings.ts";
import { parseToken } from "../accounts/tokens.ts";
import { parseUnitWord } from "../units/unit-words.ts";

/** The console's own doors for the rows of each table: what throws here is what it would set aside. */
export const doors: Readonly<Record<DamagedTable, (row: Row) => unknown>> = {
  accounts: parseAccount,
  tokens: parseToken,
  devices: (row) => keptBirth(parseDevice(row)),
  commands: (row) => {
    parseCommand(row);
    // Long ones are listed by their short form.
    if (typeof row["brief"] === "string") parseCommand({ ...row, document: row["brief"] });
  },
  jobs: parseJob,
  job_devices: parseJobDevice,
  device_groups: parseMember,
  device_labels: parseLabels,
  outboxes: toOutbox,
  outbox_gaps: toMissing,
  clock: parseMoment,
  clock_offsets: parseOffset,
  field_types: parseType,
  field_decisions: parseDecision,
  quarantine: parseSetAside,
  removed_devices: parseRemoval,
  retired_devices: parseRetirement,
  answers: parseAnswer,
  enrollments: parseEnrollment,
  joins: parseJoin,
  certificates: parseCertificate,
  code_guesses: parseGuesses,
  schedules: parseSchedule,
  schedule_runs: parseScheduleRun,
  configurations: parseSaid,
  configured: parseSent,
  unit_words: parseUnitWord,
  console_settings: parseKeptSetting,
  channels: parseChannel,
  notices: parseNotice,
  deliveries: parseDelivery,
  shown_alerts: parseShownAlert,
  alert_rules: parseAlertRule,
  alert_slots: parseSlot,
  alerts: parseAlert,
  alert_late: parseLate,
  alert_points: parsePoint,
  alert_mutes: parseMute,
  favourites: parseFavourite,
  presence: parsePresenceChange,
  presence_watches: parsePresenceWatch,
  sample_counts: parseSampleCount,
  browsers: parseBrowser,
  push_key: parsePushKey,
};

/**
 * By what rows of a damaged file are taken over: as they are read, but that a command or device whose story alone does not read is known all
 * the same, and is dealt with by whoever reads it.
 */
export const salvageDoors: Doors = {
  ...doors,
  commands: parseCommandRow,
  devices: parseDevice,
  mqtt_secrets: parseMqttSecret,
};
