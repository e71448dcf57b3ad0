import * as assert from "uvu/assert";
import { Broker } from "../../broker/broker.ts";
import { ManualClock, systemClock } from "#shared/clock";
import { parseDeviceId } from "#shared/ids";
import { silentLog } from "#shared/log";
import type { FinalReply } from "#shared/messages/command-messages";
import { Signal } from "#shared/signal";
import { Topics } from "#shared/topics";
import { type Scope } from "../../test/suite.ts";
import type { Command } from "../desk/command.ts";
import { Desk } from "../desk/desk.ts";
import type { Device } from "../devices/device.ts";
import { openState } from "../state/state.ts";
import type { Sample } from "../devices/latest-values.ts";
import type { JobRequest } from "./job.ts";
import { Jobs, type JobsOptions, type JobSummary } from "./jobs.ts";

const seconds = {
  type: "object",
  properties: { seconds: { type: "number", minimum: 1 } },
  required: ["seconds"],
};

export function device(id: string, changes: Partial<Device> = {}): Device {
  return {
    id: parseDeviceId(id),
    online: true,
    since: 0,
    lastSeen: 0,
    reason: null,
    boot: "b",
    session: "s",
    agent: "1.0.0",
    interval: 1_000,
    paused: false,
    facts: { os: "linux" },
    commands: { ping: {}, "set-interval": { args: seconds } },
    problem: null,
    skew: null,
    ...changes,
  };
}

export const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `d${index}`);

interface Given {
  readonly fleet?: readonly Device[];
  readonly directory?: string;
  readonly clock?: ManualClock;
}

/** Jobs on a real desk, broker and database, with a clock that the test moves; the devices are played by the test. */
export async function office(scope: Scope, given: Given = {}) {
  const { fleet = names(10).map((id) => device(id)), clock = new ManualClock() } = given;
  const broker = new Broker({
    listen: "127.0.0.1",
    port: 0,
    root: "muster",
    authenticate: async () => undefined,
    clock: systemClock,
    log: silentLog,
  });
  await broker.start();
  scope.cleanup(() => broker.stop());
  const directory = given.directory ?? (await scope.directory());
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const { database } = state;
  const devices = new Map(fleet.map((one) => [one.id as string, one]));
  const registry = {
    list: () => [...devices.values()],
    get: (id: string) => devices.get(id),
    changes: new Signal<Device>(),
  };
  const desk = new Desk({
    database,
    bus: broker.local(),
    topics: new Topics(),
    clock,
    log: silentLog,
    device: (id) => devices.get(id),
  });
  desk.start();
  scope.cleanup(() => desk.stop());
  const samples = new Map<string, Sample[]>();
  const valued: JobsOptions["valued"] = (id, measurement, field, since = 0) =>
    samples.get(id)?.find((one) => one.measurement === measurement && one.ts >= since)?.fields[field];
  const jobs = new Jobs({ database, groups: state.groups, desk, clock, valued, directory: registry });
  const told: JobSummary[] = [];
  jobs.changes.on((job) => told.push(job));
  jobs.start();
  scope.cleanup(() => jobs.stop());
  const sent = (): readonly Command[] => desk.list({ limit: 1_000 }).toReversed();
  const reply = (id: string, outcome: Partial<FinalReply> = { state: "succeeded" }): void => {
    for (const command of sent().filter((one) => one.device === id && one.state !== "succeeded"))
      desk.reply(command.device, command.id, { id: command.id, ts: 1, ...outcome } as FinalReply);
  };
  return {
    jobs,
    desk,
    clock,
    told,
    directory,
    sent,
    /** A device tells how much of its memory is used, now. */
    tells: (id: string, used: number) =>
      void samples.set(id, [
        { measurement: "mem", tags: { host: id }, ts: clock.now(), fields: { used_percent: used } },
      ]),
    succeed: (...ids: string[]) => ids.forEach((id) => reply(id)),
    fail: (...ids: string[]) =>
      ids.forEach((id) => reply(id, { state: "failed", error: { code: "error", message: "no disk" } })),
    set: (id: string, changes: Partial<Device>) => {
      const changed = device(id, { ...devices.get(id), ...changes });
      devices.set(id, changed);
      registry.changes.emit(changed);
    },
    states: (id: string) =>
      Object.fromEntries(jobs.find(id)?.rows.map(({ device: name, state }) => [name, state]) ?? []),
    stop: () => {
      jobs.stop();
      desk.stop();
    },
  };
}

export const ping: JobRequest = {
  key: "ping",
  args: {},
  target: { all: true },
  rate: 10,
  canary: 0,
  abort: null,
  ttl: 3_600_000,
  timeout: null,
};

export const thrown = (act: () => unknown): Error => {
  try {
    act();
  } catch (error) {
    return error as Error;
  }
  throw new Error("it should throw");
};

/** For what may be missing: a missing text matches nothing. */
export const says = (text: string | null | undefined, pattern: RegExp): void =>
  assert.match(text ?? "nothing", pattern);
