import { livenessOf } from "#shared/liveness";
import type { Client } from "#api/client";
import type { CommandDocument } from "#api/command-document";
import type { PresenceDocument, SampleDocument } from "#api/device-routes";
import type { ConsoleEvent } from "#api/event-routes";
import { forTerminal } from "#shared/printable";
import type { Terminal } from "./live-command.ts";

/** Prints live values, presence and commands, a line each, until `signal` aborts or the console goes. */
export async function watchEvents(
  client: Client,
  device: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  // The stream of a device that does not exist is quiet for ever.
  if (device !== undefined) await client.getDevice(device);
  try {
    for await (const told of client.events({ device }, signal)) {
      for (const line of lines(told)) terminal.out(`${new Date().toISOString().slice(11, 19)}  ${line}`);
    }
    terminal.err("the console closed the stream\n");
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What each line has beside the others: made safe piece by piece, so that a device's blanks make no column. */
function lines(told: ConsoleEvent): string[] {
  return columns(told).map((line) => line.map((piece) => forTerminal(piece)).join("  "));
}

function columns({ event, data }: ConsoleEvent): string[][] {
  switch (event) {
    case "presence":
      return [presence(data)];
    case "removed":
      return [[data.device, "removed"]];
    case "sample":
      return samples(data);
    case "command":
      return [command(data)];
    default:
      return [];
  }
}

function presence(device: PresenceDocument): string[] {
  const state = livenessOf(device, Date.now());
  return [device.id, state === "offline" ? `offline (${device.reason ?? "unknown"})` : state];
}

function samples({ device, samples: all }: { device: string; samples: readonly SampleDocument[] }): string[][] {
  return all.map(({ measurement, tags, fields }) => {
    const names = Object.entries(tags).map(([name, value]) => `,${name}=${value}`);
    const values = Object.entries(fields).map(
      ([name, value]) => `${name}=${typeof value === "number" ? Number(value.toFixed(3)) : value}`,
    );
    return [device, `${measurement}${names.join("")}`, values.join(" ")];
  });
}

function command({ device, key, id, state, progress, result, error }: CommandDocument): string[] {
  const percent = progress === undefined ? "" : ` ${Math.round(progress * 100)} %`;
  const outcome = error ? ` ${error.message}` : result === undefined ? "" : ` ${JSON.stringify(result)}`;
  return [device, `${key} ${id}`, `${state}${percent}${outcome}`];
}
