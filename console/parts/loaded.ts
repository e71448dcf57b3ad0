import type { ConsoleOptions } from "../console-options.ts";

/** Parts with packages of their own, which nobody waits for who has no use for them: devices are heard the sooner. */
export type Loaded = Awaited<ReturnType<typeof loadFor>>;

export async function loadFor({ bus, influxUrl }: Pick<ConsoleOptions, "bus" | "influxUrl">) {
  return {
    Link: bus ? undefined : (await import("#shared/link")).Link,
    InfluxStore: influxUrl === undefined ? undefined : (await import("../store/influx.ts")).InfluxStore,
  };
}
