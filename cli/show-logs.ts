import type { Client } from "#api/client";
import type { CommandDocument } from "#api/command-document";
import { systemClock } from "#shared/clock";
import { newCommandId } from "#shared/ids";
import type { Json } from "#shared/messages/payload-schema";
import { forTerminal } from "#shared/printable";
import { sendCommand, type Sign } from "./send-command.ts";
import type { Terminal } from "./live-command.ts";

export interface LogFlags {
  readonly lines: string;
  readonly timeout: string;
}

/** Asks a device for something and awaits what it tells. @returns nothing where it did not, which has been said then */
export async function askDevice(
  client: Client,
  device: string,
  key: string,
  flags: { readonly arg?: readonly string[]; readonly timeout: string },
  terminal: Terminal,
  sign?: Sign,
): Promise<Record<string, Json> | undefined> {
  let told = "";
  const kept: Terminal = { ...terminal, out: (text) => void (told += text), live: false };
  await sendCommand(client, device, key, { ...flags, json: true }, kept, sign);
  const { state, result, error, explain } = JSON.parse(told) as CommandDocument;
  if (state === "succeeded") return result as Record<string, Json>;
  terminal.err(`${forTerminal(`${device} ${key}: ${state}: ${error?.message ?? explain}`)}\n`);
  return undefined;
}

/** Prints the newest lines of a device's log. @returns the exit status */
export async function showLogs(
  client: Client,
  device: string,
  { lines, timeout }: LogFlags,
  terminal: Terminal,
  sign?: Sign,
): Promise<number> {
  const told = await askDevice(client, device, "logs", { arg: [`lines=${lines}`], timeout }, terminal, sign);
  if (told === undefined) return 1;
  const kept = told["lines"] as string[];
  for (const line of kept) terminal.out(forTerminal(line, 5_000));
  if (kept.length === 0) terminal.err(`${forTerminal(device)} has logged nothing since its agent was started\n`);
  return 0;
}

/**
 * Goes on with each line that comes, until `stop` withdraws it or the device has ended it.
 * @returns the exit status
 */
export async function followLogs(
  client: Client,
  device: string,
  { lines, timeout }: LogFlags,
  terminal: Terminal,
  stop: AbortSignal,
  sign: Sign = (order) => order,
): Promise<number> {
  const id = newCommandId(systemClock.now());
  stop.addEventListener("abort", () => void client.cancelCommand(id, { device }).catch(() => {}));
  const flags = { arg: [`lines=${lines}`, "follow=true"], timeout };
  // What is said at the end of a command is no line of the log.
  const shown: Terminal = { ...terminal, out: (text) => (stop.aborted ? undefined : terminal.out(text)) };
  const withId: Sign = (order, of) => sign({ ...order, id }, of);
  const status = await sendCommand(client, device, "logs", flags, shown, withId);
  return stop.aborted ? 0 : status;
}
