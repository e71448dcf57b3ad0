import { forTerminal } from "#shared/printable";
import type { CommandDocument, DeviceDocument } from "../http/documents.ts";
import type { Sample } from "../device.ts";
import type { Api } from "./api.ts";
import type { Terminal } from "./live.ts";

/** Prints live values, presence and commands, a line each, until `signal` aborts or the console goes. */
export async function watch(
  api: Api,
  device: string | undefined,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  // The stream of a device that does not exist is quiet for ever.
  if (device !== undefined) await api.device(device);
  try {
    for await (const { event, data } of api.events(device === undefined ? {} : { device }, signal)) {
      for (const line of lines(event, data)) terminal.out(`${new Date().toISOString().slice(11, 19)}  ${line}`);
    }
    terminal.err("the console closed the stream\n");
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** What each line has beside the others: made safe piece by piece, so that a device's blanks make no column. */
function lines(event: string, data: unknown): string[] {
  return columns(event, data).map((line) => line.map((piece) => forTerminal(piece)).join("  "));
}

function columns(event: string, data: unknown): string[][] {
  switch (event) {
    case "presence":
      return [presence(data as DeviceDocument)];
    case "removed":
      return [[(data as { device: string }).device, "removed"]];
    case "sample":
      return samples(data as { device: string; samples: readonly Sample[] });
    case "command":
      return [command(data as CommandDocument)];
    default:
      return [];
  }
}

function presence({ id, online, reason }: DeviceDocument): string[] {
  return [id, online ? "online" : `offline (${reason ?? "unknown"})`];
}

function samples({ device, samples: all }: { device: string; samples: readonly Sample[] }): string[][] {
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
