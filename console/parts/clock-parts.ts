import { machineEpoch } from "#shared/machine-boot";
import { ClockDoubt } from "../clock/clock-doubt.ts";
import { KnownMoment } from "../clock/known-moment.ts";
import type { Surroundings } from "./surroundings.ts";

/** Whether the machine's clock can be believed. Where it was made, that clock is nobody else's. */
export function makeDoubt(
  { clock, log, net, state: { database, persist } }: Surroundings,
  changed: () => void,
): ClockDoubt {
  const moment = new KnownMoment(database);
  return new ClockDoubt({
    clock,
    log,
    kept: { read: () => moment.read(), write: (now) => persist.write("the known moment", () => moment.write(now)) },
    epoch: machineEpoch(),
    changed,
    failed: (thrown) => net.caught("console: the known moment", thrown),
  });
}
