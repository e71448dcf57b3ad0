import type { Client } from "#api/client";
import type { CommandDocument } from "#api/command-document";
import type { CommandOrder } from "#api/command-routes";
import type { ConsoleEvent } from "#api/event-routes";
import { systemClock } from "#shared/clock";
import { parseDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import type { Json } from "#shared/messages/payload-schema";
import { forTerminal } from "#shared/printable";
import { parseJson } from "#shared/nesting";
import { LiveCommand, type Terminal } from "./live-command.ts";
import { asJson } from "./text-table.ts";

export interface SendFlags {
  readonly arg?: readonly string[];
  readonly timeout: string;
  readonly ttl?: string;
  readonly json?: boolean;
}

/** Signs an order, which has its id then. */
export type Sign = (order: CommandOrder & { readonly timeout: number }, device: string) => CommandOrder;

const finals = new Set(["succeeded", "failed", "rejected", "interrupted", "expired", "cancelled", "timed_out"]);

/** Milliseconds after a caller's time in which its end arrives: of a call, that it was withdrawn. */
const lastWordWithin = 5_000;

/**
 * Sends a command, shows its progress and output while it runs, and its result.
 * @returns the exit status: 0 only for succeeded
 */
export async function sendCommand(
  client: Client,
  device: string,
  key: string,
  flags: SendFlags,
  terminal: Terminal,
  sign: Sign = (order) => order,
): Promise<number> {
  const timeout = parseDuration(flags.timeout, "--timeout");
  const order = {
    key,
    args: parseArgs(flags.arg ?? []),
    timeout,
    ...(flags.ttl === undefined ? {} : { ttl: flags.ttl }),
  };
  const signed = sign(order, device);
  const stop = new AbortController();
  const silent: Terminal = { out: () => {}, err: () => {}, live: false };
  const patience = flags.ttl === undefined ? timeout + lastWordWithin : timeout;
  const last = await follow(client, device, signed, patience, stop, new LiveCommand(flags.json ? silent : terminal));
  if (flags.json) terminal.out(asJson(last));
  else terminal.out(summary(last));
  return last.state === "succeeded" ? 0 : 1;
}

/** `--arg seconds=5 --arg name="a b"`: a value is JSON where it parses as such, text otherwise. */
export function parseArgs(pairs: readonly string[]): Record<string, Json> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const at = pair.indexOf("=");
      if (at < 1)
        throw new BadInputError(
          `--arg ${JSON.stringify(pair)} is not usable: expected NAME=VALUE, such as --arg seconds=5`,
        );
      return [pair.slice(0, at), toValue(pair.slice(at + 1))];
    }),
  );
}

function toValue(text: string): Json {
  try {
    return parseJson(text) as Json;
  } catch (error) {
    if (error instanceof BadInputError) throw error;
    return text;
  }
}

/** Listens before it sends, so that nothing is missed; gives up after so many milliseconds. */
async function follow(
  client: Client,
  device: string,
  order: CommandOrder,
  patience: number,
  stop: AbortController,
  shown: LiveCommand,
): Promise<CommandDocument> {
  const events = client.events({ device }, stop.signal);
  let sent: CommandDocument | undefined;
  const cancel = systemClock.after(patience, () => stop.abort());
  try {
    // The stream's first event says that the console listens; what happens from here on arrives on it.
    await events.next();
    sent = await client.sendCommand(device, order, { wait: false });
    for (let latest = sent; ;) {
      shown.show(latest);
      if (finals.has(latest.state)) return latest;
      const next = await nextOf(events, sent.id);
      if (!next) return await client.getCommand(sent.id, { device });
      latest = next;
    }
  } catch (error) {
    if (!stop.signal.aborted || !sent) throw error;
    return await client.getCommand(sent.id, { device });
  } finally {
    cancel();
    stop.abort();
    shown.end();
  }
}

async function nextOf(events: AsyncGenerator<ConsoleEvent, void>, id: string): Promise<CommandDocument | undefined> {
  for (;;) {
    const { done, value } = await events.next();
    if (done === true) return undefined;
    if (value.event === "command" && value.data.id === id) return value.data;
  }
}

/** The output has been shown as it came. */
function summary(last: CommandDocument): string {
  const { state, result, error, explain, id } = last;
  if (state === "succeeded") return asJson(result ?? null);
  if (!finals.has(state))
    return `${stated(state, `the time of this caller is over, and ${whatNow(last)}`)}\n${forTerminal(explain)} (${id})`;
  return `${stated(state, error?.message ?? explain)}\n${forTerminal(explain)} (${id})`;
}

/** What becomes of a command whose caller goes. */
function whatNow({ expires, id, device }: CommandDocument): string {
  if (expires === null) return "it is withdrawn as soon as the console has its broker and knows the time";
  return `it goes on without: muster cancel ${id} --device ${device} withdraws it`;
}

/** A state and a sentence about it, which may begin with the state. */
export function stated(state: string, sentence: string): string {
  return forTerminal(sentence.startsWith(`${state}: `) ? sentence : `${state}: ${sentence}`);
}
