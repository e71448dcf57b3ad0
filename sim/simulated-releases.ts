import type { CommandId, DeviceId } from "#shared/ids";

/**
 * What becomes of a device's update: `good` proves itself, `hungry` does so and then uses most of the memory; `crashes` ends as it is loaded and `hangs` never
 * connects, so that the version of before comes back; for `full` there is no room; `cut off` loses its power while it fetches; `gone` does so and never comes back.
 */
export type UpdateFate = "good" | "hungry" | "crashes" | "hangs" | "full" | "cut off" | "gone";

/** A version of the simulated agent. */
export interface SimulatedRelease {
  readonly version: string;
  /** As in a birth. */
  readonly build: string;
  readonly fateOf: (device: DeviceId) => UpdateFate;
}

/** What simulated devices update to, and what has become of that: theirs, and not what anybody was told. */
export class SimulatedReleases {
  /** What `update` brings now. */
  current: SimulatedRelease;
  /** What devices ran at the simulation's beginning. */
  readonly first: SimulatedRelease;
  /** What runs on each that has been updated, or has gone back. */
  readonly running = new Map<DeviceId, SimulatedRelease>();
  /** How often each command was begun on each device. */
  readonly begun = new Map<string, number>();

  constructor(first: SimulatedRelease) {
    this.first = first;
    this.current = first;
  }

  runningOn(device: DeviceId): SimulatedRelease {
    return this.running.get(device) ?? this.first;
  }

  noteBegun(device: DeviceId, command: CommandId): void {
    const name = `${device} ${command}`;
    this.begun.set(name, (this.begun.get(name) ?? 0) + 1);
  }
}
