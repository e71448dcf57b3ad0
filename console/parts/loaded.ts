import type { ConsoleOptions } from "../console-options.ts";
import type { Surroundings } from "./surroundings.ts";

/** Parts with packages of their own, which nobody waits for who has no use for them: devices are heard the sooner. */
export type Loaded = Awaited<ReturnType<typeof loadFor>>;

/** Apart from the surroundings, which public types are made of: those must not need the packages'. */
export interface LoadedSurroundings extends Surroundings {
  readonly loaded: Loaded;
}

export async function loadFor({ bus, influxUrl }: Pick<ConsoleOptions, "bus" | "influxUrl">) {
  return {
    Link: bus ? undefined : (await import("#shared/link")).Link,
    InfluxStore: influxUrl === undefined ? undefined : (await import("../store/influx.ts")).InfluxStore,
  };
}
