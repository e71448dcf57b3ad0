import type { Command } from "../desk/command.ts";
import type { SeriesColumns } from "../store/store.ts";
import { markMeasurements, maxMarkLength } from "./store-marks.ts";

/**
 * One point for a command that has ended, so that a chart can show when it was and what became of it: tags
 * `host`, `key` and `state`; fields `text` (a sentence), `ms` (how long it took) and `id`.
 * @param offered whether the device offers this command: what people merely typed must not become a tag value
 */
export function commandMark(command: Command, offered: boolean): SeriesColumns {
  const { id, device, key, state, ts, ended = ts, took = ended - ts } = command;
  return {
    device,
    measurement: markMeasurements.command,
    tags: offered ? { key, state } : { state },
    times: [ended],
    fields: { text: [sentence(command, took)], ms: [took], id: [id] },
  };
}

function sentence({ key, state, by, error }: Command, took: number): string {
  const seconds = Math.round(took / 100) / 10;
  return `${key} of ${by}: ${state} after ${seconds} s${error ? `: ${error.message}` : ""}`.slice(0, maxMarkLength);
}
