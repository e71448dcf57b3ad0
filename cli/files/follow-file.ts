import { UnreachableError } from "#api/api-errors";
import type { Client } from "#api/client";
import type { CommandDocument } from "#api/command-document";
import type { CommandOrder } from "#api/command-routes";
import { systemClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import { newCommandId } from "#shared/ids";
import { openStates } from "#shared/command-states";
import type { Json } from "#shared/messages/payload-schema";
import { LiveCommand, type Terminal } from "../live-command.ts";
import type { Sign } from "../send-command.ts";

/** What a command with a file needs besides its arguments. */
export interface FileOrder {
  readonly device: string;
  readonly key: "fetch" | "put";
  readonly args: Record<string, Json>;
  /** How long it may wait for the device. */
  readonly ttl: string;
  readonly sign?: Sign | undefined;
}

/** Milliseconds between two looks whether the console is back. */
const again = 1_000;

/** Sends it, and tells its id before anything has become of it. @throws BadInputError where the device offers no such thing */
export async function beginFile(client: Client, { device, key, args, ttl, sign }: FileOrder): Promise<string> {
  const { commands, agent, online } = await client.getDevice(device);
  if (commands !== null && !Object.hasOwn(commands, key))
    throw new BadInputError(
      `${device} offers no ${key}: its own settings allow no directory for it (${key === "fetch" ? "MUSTER_FETCH_FROM" : "MUSTER_PUT_INTO"}, on that machine alone), or its agent${agent ? ` (${agent})` : ""} is from before it`,
    );
  const order: CommandOrder & { timeout: number; id: string } = {
    key,
    args,
    ttl,
    // Nobody waits at the console: how it goes is followed.
    timeout: online ? 5_000 : 1_000,
    id: newCommandId(systemClock.now()),
  };
  const { id } = await client.sendCommand(device, sign ? sign(order, device) : order, { wait: false });
  return id;
}

/** Shows how a command goes until it has ended, over any restart of the console. */
export async function followToEnd(
  client: Client,
  device: string,
  id: string,
  terminal: Terminal,
): Promise<CommandDocument> {
  const shown = new LiveCommand(terminal);
  const stop = new AbortController();
  try {
    for (;;) {
      const ended = await followOnce(client, device, id, shown, stop.signal).catch((thrown: unknown) => {
        if (isAway(thrown)) return undefined;
        throw thrown;
      });
      if (ended) return ended;
      await new Promise<void>((resolve) => systemClock.after(again, resolve));
    }
  } finally {
    stop.abort();
    shown.end();
  }
}

/** Does `work` again while the console is away. */
export async function overAbsences<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      if (!isAway(thrown)) throw thrown;
      await new Promise<void>((resolve) => systemClock.after(again, resolve));
    }
  }
}

/** @returns nothing where the console has gone before the command has ended */
async function followOnce(
  client: Client,
  device: string,
  id: string,
  shown: LiveCommand,
  signal: AbortSignal,
): Promise<CommandDocument | undefined> {
  const events = client.events({ device }, signal);
  try {
    await events.next();
    for (let latest = await client.getCommand(id, { device }); ;) {
      shown.show(latest);
      if (!openStates.some((open) => open === latest.state)) return latest;
      for (;;) {
        const { done, value } = await events.next();
        if (done === true) return undefined;
        if (value.event === "command" && value.data.id === id) {
          latest = value.data;
          break;
        }
      }
    }
  } finally {
    await events.return();
  }
}

function isAway(thrown: unknown): boolean {
  return thrown instanceof Error && (thrown instanceof UnreachableError || thrown.cause instanceof UnreachableError);
}
