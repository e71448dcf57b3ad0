import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import type { Args, Task } from "#shared/messages/command-messages";
import type { ErrorCode, OwnFailure } from "#shared/messages/error-codes";
import type { Offer } from "#shared/messages/presence-messages";
import { check, type Schema, type Json } from "#shared/messages/payload-schema";
import { version } from "#shared/version";

/** What the commands of a simulated device act on. */
export interface Commanded {
  readonly boot: string;
  readonly facts: Readonly<Record<string, Json>>;
  readonly waiting: number;
  readonly interval: number;
  readonly paused: boolean;
  setInterval(ms: number): void;
  pause(): void;
  resume(): void;
  /** Takes and sends what there is since the last batch. */
  report(): number;
}

interface Command {
  readonly title: string;
  readonly args?: Schema<Args>;
  run(device: Commanded, args: Args): Json;
}

const interval = z.object({
  seconds: z.number().check(z.gte(0.1), z.lte(86_400), z.meta({ title: "Seconds between samples" })),
});

const commands: Readonly<Record<string, Command>> = {
  ping: { title: "Ask whether the device answers", run: ({ boot }) => ({ pong: true, boot }) },
  info: {
    title: "Tell about the simulated device",
    run: ({ boot, facts, waiting, ...device }) => ({
      agent: agentName,
      boot,
      interval: device.interval,
      paused: device.paused,
      outbox: { batches: waiting },
      facts,
    }),
  },
  report: { title: "Send what was sampled since the last batch", run: (device) => ({ samples: device.report() }) },
  pause: { title: "Stop sampling until resumed", run: (device) => (device.pause(), beat(device)) },
  resume: { title: "Sample again", run: (device) => (device.resume(), beat(device)) },
  "set-interval": {
    title: "Change how often the device samples",
    args: interval,
    run(device, { seconds }) {
      device.setInterval(Math.round(Number(seconds) * 1_000));
      return beat(device);
    },
  },
  shutdown: { title: "End the device; it does not come back by itself", run: () => ({ stopping: true }) },
};

export const agentName = `muster sim ${version}`;

/** What each simulated device offers in its birth; one object for all. */
export const simulatedOffers: Readonly<Record<string, Offer>> = Object.fromEntries(
  Object.entries(commands).map(([key, { title, args }]) => [
    key,
    { title, concurrent: true, onInterrupt: "rerun", ...(args ? { args: jsonSchema(args) } : {}) },
  ]),
);

/** What a reply says besides its command's id and the moment. */
export type SimulatedOutcome =
  | { readonly state: "succeeded"; readonly result: Json }
  | { readonly state: "rejected" | "expired" | "failed"; readonly error: OwnFailure };

/** Carries out what was asked; whatever is wrong with it becomes the answer. */
export function carryOut({ key, args = {} }: Task, device: Commanded): SimulatedOutcome {
  const command = Object.hasOwn(commands, key) ? commands[key] : undefined;
  if (!command) {
    const offered = Object.keys(commands).sort().join(", ");
    return rejection("unknown-command", `this device does not offer "${key}"; it offers ${offered}`);
  }
  try {
    return { state: "succeeded", result: command.run(device, command.args ? check(command.args, args, "args") : args) };
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return rejection("bad-arguments", error.message);
  }
}

export function rejection(code: ErrorCode, message: string): SimulatedOutcome {
  return { state: "rejected", error: { code, message } };
}

function beat({ interval: ms, paused }: Commanded): Json {
  return { interval: ms, paused };
}

function jsonSchema(args: Schema<Args>): Record<string, Json> {
  const { $schema: _, ...schema } = z.toJSONSchema(args, { io: "input" });
  return schema as Record<string, Json>;
}
