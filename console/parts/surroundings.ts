import type { Clock } from "#shared/clock";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { Signal } from "#shared/signal";
import type { Topics } from "#shared/topics";
import type { Sample } from "../devices/latest-values.ts";
import type { ConsoleOptions } from "../console-options.ts";
import type { State } from "../state/state.ts";

/** What every part is given. */
export interface Surroundings {
  readonly options: ConsoleOptions;
  readonly state: State;
  readonly topics: Topics;
  readonly clock: Clock;
  readonly net: SafetyNet;
  readonly log: Log;
  readonly events: {
    /** The store's health, or what waits for it, has changed. */
    readonly storeChanged: () => void;
    /** Newest samples; `heard` tells whether anybody listens. */
    readonly samples: Pick<Signal<{ device: DeviceId; samples: readonly Sample[] }>, "heard" | "emit">;
  };
}

/** What takes what a listener to a part has thrown. */
export function failedListener({ net }: Pick<Surroundings, "net">): (thrown: unknown) => void {
  return (thrown) => net.caught("console: a listener", thrown);
}
