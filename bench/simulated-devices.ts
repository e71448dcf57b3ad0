import { systemClock } from "#shared/clock";
import { silentLog } from "#shared/log";
import { noFaults } from "../sim/faults.ts";
import { Sim, type SimOptions } from "../sim/sim.ts";

/** What a measurement says of its devices; the rest is the same for all of them. */
export type SimulatedDevices = Pick<SimOptions, "ids" | "secret" | "port" | "interval" | "seed" | "rate"> &
  Partial<SimOptions>;

/** Devices of this machine's broker that send each sample by itself, and without a fault unless one is asked for. */
export function simulatedDevices(wanted: SimulatedDevices): Sim {
  return new Sim({
    host: "127.0.0.1",
    root: "muster",
    batchSize: 1,
    faults: noFaults,
    clock: systemClock,
    log: silentLog,
    ...wanted,
  });
}
