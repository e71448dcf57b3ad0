import * as z from "zod/mini";
import { parseCommandId, type CommandId } from "#shared/ids";
import type { Json } from "#shared/messages/payload-schema";
import { settings } from "#shared/settings";
import type { Handler } from "./commands/handler.ts";
import type { Outbox } from "./metrics/outbox/outbox.ts";
import type { Changed, Preferences } from "./preferences.ts";
import type { Writings } from "./support/writings.ts";
import type { Sampler } from "./metrics/sampler.ts";

/** What the built-in commands act on: no more of the agent than they need. */
export interface BuiltinParts {
  readonly sampler: Sampler;
  /** Keeps what is changed by command. */
  readonly preferences: Preferences;
  /** What is told of metrics that are not the agent's own. */
  readonly metrics: () => Json;
  readonly outbox: Outbox;
  /** What the agent has its disk write. */
  readonly disk: () => Writings;
  readonly runId: string;
  readonly version: string;
  readonly facts: () => Json;
  /** The settings as they hold, and who has said so; undefined where nobody can change them from afar. */
  readonly settings: () => Json | undefined;
  /** Presence has changed: interval, paused. */
  readonly announce: () => void;
  readonly stop: (reason: string) => void;
  /** Withdraws another command on this device. @returns whether it was there */
  readonly cancel: (id: CommandId) => boolean;
}

const setInterval = z.object({
  seconds: z
    .number()
    .check(
      z.gte(settings.interval.min / 1_000),
      z.lte(settings.interval.max / 1_000),
      z.meta({ title: "Seconds between samples" }),
    ),
});

const cancelArgs = z.object({
  id: z.string().check(z.minLength(1), z.maxLength(63), z.meta({ title: "The command's id" })),
});

/** The commands that every agent offers, by key. */
export function builtins(parts: BuiltinParts): Record<string, Handler> {
  const { sampler, outbox } = parts;
  return {
    ping: {
      title: "Ask whether the agent answers",
      concurrent: true,
      harmless: true,
      run: () => ({ pong: true, boot: parts.runId }),
    },
    info: {
      title: "Tell about the machine and the agent",
      concurrent: true,
      harmless: true,
      run: () => ({
        agent: parts.version,
        boot: parts.runId,
        interval: sampler.interval,
        paused: sampler.paused,
        collectors: { ...sampler.collectors },
        changed: { ...parts.preferences.changed } as Json,
        metrics: parts.metrics(),
        outbox: { ...outbox.size },
        disk: { ...parts.disk() },
        facts: parts.facts(),
        ...toldWhere("settings", parts.settings()),
      }),
    },
    report: {
      title: "Take and send a sample now",
      harmless: true,
      run: async () => ({ readings: await sampler.report() }),
    },
    pause: {
      title: "Stop sampling until resumed, across restarts too",
      onInterrupt: "rerun",
      run: () => change(parts, { paused: true }, () => sampler.pause()),
    },
    resume: {
      title: "Sample again",
      onInterrupt: "rerun",
      run: () => change(parts, { paused: false }, () => sampler.resume()),
    },
    "set-interval": intervalCommand(parts),
    ...collectorCommands(parts),
    "clear-outbox": {
      title: "Throw away the batches that wait to be sent",
      run: () => ({ dropped: outbox.clear("cleared by command") }),
    },
    cancel: cancelCommand(parts),
    shutdown: {
      title: "End the agent; it does not come back by itself",
      run(_args, context) {
        context.afterwards(() => parts.stop("shutdown"));
        return { stopping: true };
      },
    },
  };
}

function toldWhere(name: string, value: Json | undefined): Record<string, Json> {
  return value === undefined ? {} : { [name]: value };
}

function cancelCommand({ cancel }: BuiltinParts): Handler {
  const handler: Handler<z.infer<typeof cancelArgs>> = {
    title: "Withdraw a command that waits or runs here",
    args: cancelArgs,
    concurrent: true,
    harmless: true,
    run: ({ id }) => ({ cancelled: cancel(parseCommandId(id)) }),
  };
  return handler;
}

function intervalCommand(parts: BuiltinParts): Handler {
  const handler: Handler<z.infer<typeof setInterval>> = {
    title: "Change how often the agent samples, from now on and after restarts",
    args: setInterval,
    onInterrupt: "rerun",
    run({ seconds }) {
      const interval = Math.round(seconds * 1_000);
      return change(parts, { interval }, () => parts.sampler.setInterval(interval));
    },
  };
  return handler;
}

/** None where there is nothing to switch. */
function collectorCommands(parts: BuiltinParts): Record<string, Handler> {
  const [first, ...others] = Object.keys(parts.sampler.collectors);
  if (first === undefined) return {};
  const args = z.object({ name: z.enum([first, ...others]).check(z.meta({ title: "Collector" })) });
  const command = (title: string, enabled: boolean): Handler => {
    const handler: Handler<z.infer<typeof args>> = {
      title,
      args,
      onInterrupt: "rerun",
      run: ({ name }) => change(parts, { collectors: { [name]: enabled } }, () => parts.sampler.enable(name, enabled)),
    };
    return handler;
  };
  return {
    "enable-collector": command("Sample one of the agent's measurements again", true),
    "disable-collector": command("Leave out one of the agent's measurements, from now on and after restarts", false),
  };
}

/** It holds even where it cannot be kept; `kept` says so. */
function change({ sampler, preferences, announce }: BuiltinParts, changes: Changed, act: () => void): Json {
  const kept = preferences.change(changes);
  act();
  announce();
  const { interval, paused, collectors } = sampler;
  return changes.collectors ? { collectors: { ...collectors }, kept } : { interval, paused, kept };
}
