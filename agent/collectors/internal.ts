import type { Collector, Reading } from "./collector.ts";
import type { Gathering } from "./gathering.ts";

/** What an agent has made of its readings since it began. */
export interface Deliveries {
  /** Batches that wait for the console's ack, and that were lost before. */
  readonly waiting: number;
  readonly dropped: number;
  /** Milliseconds from the sending of a batch to its ack, on average since this was last asked; NaN where none came. */
  readonly time: number;
  /** Bytes that disks were given to write, of all that the agent does; undefined where the system does not tell. */
  readonly written: number | undefined;
  /** What it wrote itself. */
  readonly wrote: { readonly bytes: number; readonly syncs: number };
}

const nanoseconds = 1e6;

/** What Telegraf tells of itself, of this agent: how long collectors take, and where their readings are. */
export function internal(gathering: Gathering, deliveries: () => Deliveries): Collector {
  return {
    name: "internal",
    sample() {
      const { waiting, dropped, time, written, wrote } = deliveries();
      const { errors, readings } = gathering;
      const told: Reading[] = [
        one("internal_agent", {
          gather_errors: errors,
          metrics_gathered: readings,
          metrics_written: readings,
          metrics_dropped: dropped,
          ...(written === undefined ? {} : { write_bytes: written }),
          file_bytes: wrote.bytes,
          file_syncs: wrote.syncs,
        }),
        one(
          "internal_write",
          { buffer_size: waiting, metrics_dropped: dropped, write_time_ns: Math.round(time * nanoseconds) },
          { output: "muster" },
        ),
      ];
      for (const [input, gathered] of gathering.drain()) {
        const fields = { gather_time_ns: Math.round(gathered.time * nanoseconds), metrics_gathered: gathered.readings };
        told.push(one("internal_gather", fields, { input }));
      }
      return told;
    },
  };
}

function one(measurement: string, fields: Reading["fields"], tags: Reading["tags"] = {}): Reading {
  return { measurement, tags, fields };
}
