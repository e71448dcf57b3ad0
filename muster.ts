#!/usr/bin/env node
import { CommandLine } from "#shared/commandline";
import { version } from "#shared/version";
import { agent } from "./commands/agent.ts";
import { alerts } from "./commands/alerts.ts";
import { ask } from "./commands/ask.ts";
import { audit } from "./commands/audit.ts";
import { backup } from "./commands/backup.ts";
import { broker } from "./commands/broker.ts";
import { cancel } from "./commands/cancel.ts";
import { checkBroker } from "./commands/check-broker.ts";
import { commands } from "./commands/commands.ts";
import { config } from "./commands/config.ts";
import { conform } from "./commands/conform.ts";
import { console } from "./commands/console.ts";
import { device } from "./commands/device.ts";
import { devices } from "./commands/devices.ts";
import { doctor } from "./commands/doctor.ts";
import { enroll } from "./commands/enroll.ts";
import { explain } from "./commands/explain.ts";
import { fetch } from "./commands/fetch.ts";
import { field } from "./commands/field.ts";
import { flash } from "./commands/flash.ts";
import { group } from "./commands/group.ts";
import { jobs } from "./commands/jobs.ts";
import { keygen } from "./commands/keygen.ts";
import { logs } from "./commands/logs.ts";
import { mosquitto } from "./commands/mosquitto.ts";
import { notify } from "./commands/notify.ts";
import { operator } from "./commands/operator.ts";
import { put } from "./commands/put.ts";
import { quarantine } from "./commands/quarantine.ts";
import { refused } from "./commands/refused.ts";
import { report } from "./commands/report.ts";
import { release } from "./commands/release.ts";
import { restore } from "./commands/restore.ts";
import { schedule } from "./commands/schedule.ts";
import { send } from "./commands/send.ts";
import { sessions } from "./commands/sessions.ts";
import { settings } from "./commands/settings.ts";
import { sim } from "./commands/sim.ts";
import { start } from "./commands/start.ts";
import { support } from "./commands/support.ts";
import { token } from "./commands/token.ts";
import { tls } from "./commands/tls.ts";
import { unit } from "./commands/unit.ts";
import { update } from "./commands/update.ts";
import { watch } from "./commands/watch.ts";

/**
 * The command `muster`: the list of its verbs, a file each in `commands/`, where alone all parts are known.
 *
 * ```text
 *   start = broker + console + agent        broker ◄── in-process bus ── console ── HTTP ── page, CLI
 *   broker | console | agent: each alone       ▲
 *   enroll, operator, mosquitto: accounts      └── MQTT ── agents, mosquitto_pub, mosquitto_sub
 * ```
 *
 * Parts are loaded when they are needed, so that an agent does not pay for the console, nor `send` for the broker.
 */
const line = new CommandLine(
  "muster",
  "Muster gathers a fleet over MQTT: metrics in, commands out, none lost.",
  version,
);
/** In the order of `--help`, in its groups. */
const verbs: Readonly<Record<string, readonly ((line: CommandLine) => void)[]>> = {
  "Programs:": [start, broker, console, agent, sim],
  "Send and look:": [send, commands, explain, cancel, jobs, schedule, alerts, report, watch, ask, fetch, put, update],
  "Fleet:": [devices, config, group, notify, quarantine, refused, field, unit],
  "People and devices:": [
    enroll,
    flash,
    device,
    operator,
    token,
    sessions,
    audit,
    keygen,
    release,
    tls,
    settings,
    mosquitto,
  ],
  "Data:": [backup, restore],
  "Looking for faults:": [doctor, logs, support, checkBroker, conform],
};
for (const [heading, defined] of Object.entries(verbs)) {
  line.group(heading);
  for (const define of defined) define(line);
}
await line.run();
