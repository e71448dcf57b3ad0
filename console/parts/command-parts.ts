import type { Bus } from "#shared/bus";
import type { DeviceId } from "#shared/ids";
import { auditOfCommands, auditOfJobs } from "../audit/command-audit.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import { Answers } from "../desk/answers.ts";
import { nameOf } from "../desk/command-name.ts";
import { isOpen } from "../desk/command.ts";
import { Desk } from "../desk/desk.ts";
import { TypedCommands } from "../desk/typed.ts";
import type { Device } from "../devices/device.ts";
import { Claims } from "../enrollments/claims.ts";
import { Enrollments } from "../enrollments/enrollments.ts";
import { JoinRequests } from "../enrollments/join-requests.ts";
import { commandMark } from "../ingest/command-marks.ts";
import { StoreMarks } from "../ingest/store-marks.ts";
import { Jobs } from "../jobs/jobs.ts";
import { Restored } from "../restored.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import { failedListener, type Surroundings } from "./surroundings.ts";

interface Needs {
  readonly bus: Bus;
  readonly doubt: ClockDoubt;
  readonly devices: DeviceParts;
  readonly storage: StoreParts;
}

/** Commands and jobs, and what is told of them elsewhere. */
export function commandParts(given: Surroundings, { bus, doubt, devices: { registry, refusals }, storage }: Needs) {
  const { topics, clock, log } = given;
  const { database, accounts, audit } = given.state;
  const failed = failedListener(given);
  const offers = (id: DeviceId): Device["commands"] => registry.get(id)?.commands ?? null;
  const desk = new Desk({
    database,
    bus,
    topics,
    clock,
    log,
    failed,
    timely: () => doubt.trust === "full",
    unsure: () => doubt.unsure !== undefined,
    mayBeRestored: () => restored.isPossible,
    device: (id) => registry.get(id),
    audit: auditOfCommands(audit),
  });
  const jobs = new Jobs({
    database,
    groups: given.state.groups,
    desk,
    clock,
    failed,
    directory: registry,
    valued: (...name) => registry.valued(...name),
    audit: auditOfJobs(audit),
  });
  const restored = makeRestored(given, (why) => {
    desk.doubt(why);
    jobs.hold(why);
  });
  const answers = new Answers({
    database,
    bus,
    topics,
    log,
    find: (...name) => desk.find(...name),
    kept: (command) => desk.kept(command),
  });
  desk.ended.on((command) => answers.ended(command));
  const typed = new TypedCommands({
    desk,
    answers,
    topics,
    clock,
    offers,
    needsSignature: (id) => registry.get(id)?.signers !== undefined,
    refuse: (device, { topic, payload }, why, instead) =>
      refusals.tell(device, topic, why, instead, undefined, payload),
  });
  const commandMarks = new StoreMarks({ of: "commands", write: storage.writeNow, clock, log });
  desk.changes.on((command) => {
    if (isOpen(command)) return;
    const offered = Object.hasOwn(offers(command.device) ?? {}, command.key);
    commandMarks.put(nameOf(command), commandMark(command, offered));
  });
  const joining = { database, accounts, groups: jobs.groups, clock, audit };
  const enrollments = new Enrollments(joining);
  const claims = new Claims({ ...joining, enrollments, replaced: (device) => desk.endBegun(device) });
  const joinRequests = new JoinRequests(joining);
  return { desk, jobs, enrollments, claims, joinRequests, restored, answers, typed, commandMarks };
}

/** @param doubt puts what waits to be sent in doubt */
function makeRestored({ clock, log, state }: Surroundings, doubt: (why: string) => void): Restored {
  return new Restored({
    clock,
    log,
    setbacks: state.setbacks,
    lastKnown: state.newestMark?.at,
    doubt,
    tell: (why) => {
      state.damage.note("muster.db", "", why);
      state.audit.note({ who: "console", from: "console", what: "data.set-back", on: "muster.db", detail: { why } });
    },
    durable: () => state.persist.durable(),
  });
}
