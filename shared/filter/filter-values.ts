import { livenessOf, type Lived } from "#shared/liveness";
import { plainName } from "./condition.ts";
import type { LookUp, Valued } from "./evaluate-filter.ts";

/** What a filter looks at of a device. */
export interface NamedDevice extends Lived {
  readonly id: string;
  /** As a person calls it, where one has said so. */
  readonly name?: string | null | undefined;
  readonly tags?: readonly string[] | undefined;
  readonly note?: string | null | undefined;
  readonly agent: string | null;
  readonly build?: string | null | undefined;
  readonly paused: boolean;
  /** That it is out of service. */
  readonly retired?: object | undefined;
  readonly problem: string | null;
  readonly facts: Readonly<Record<string, unknown>>;
  readonly commands?: Readonly<Record<string, unknown>> | null | undefined;
}

export interface DeviceValues {
  readonly device: NamedDevice;
  readonly groups: readonly string[];
  /** The newest value of a measurement's field: of the whole where it has such a series (`cpu-total`), else of each series. */
  readonly metric: (measurement: string, field: string) => Valued;
  /** Epoch ms. */
  readonly now: number;
}

type Reader = (values: DeviceValues) => Valued;

/** What every device has, beside its facts and its newest values. */
const own: Readonly<Record<string, Reader>> = {
  [plainName]: ({ device, groups }) => [
    device.id,
    ...(device.name ? [device.name] : []),
    ...groups,
    ...(device.tags ?? []),
  ],
  id: ({ device }) => device.id,
  name: ({ device }) => (device.name ? [device.name, device.id] : device.id),
  state: ({ device, now }) => livenessOf(device, now),
  online: ({ device }) => device.online,
  group: ({ groups }) => groups,
  tag: ({ device }) => device.tags ?? [],
  note: ({ device }) => device.note ?? undefined,
  version: ({ device }) => device.agent ?? undefined,
  agent: ({ device }) => device.agent ?? undefined,
  build: ({ device }) => device.build ?? undefined,
  silent: ({ device, now }) => (device.lastSeen === null ? undefined : Math.max(0, now - device.lastSeen)),
  paused: ({ device }) => device.paused,
  retired: ({ device }) => device.retired !== undefined,
  problem: ({ device }) => device.problem ?? undefined,
  offers: ({ device }) => Object.keys(device.commands ?? {}),
};

/** Names that stand for something of every device. */
export const deviceNames: readonly string[] = Object.keys(own).filter((name) => name !== plainName);

/**
 * What a name stands for: `id`, `state`, `group`, `version`, `silent` (milliseconds since anything was heard of it) and the like, `measurement.field` for the
 * newest value, and else a fact that the device tells.
 */
export function readerOf(name: string): Reader {
  const built = Object.hasOwn(own, name) ? own[name] : undefined;
  if (built) return built;
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return (values) => factOf(values.device, name);
  const [measurement, field] = [name.slice(0, dot), name.slice(dot + 1)];
  return ({ device, metric }) => metric(measurement, field) ?? factOf(device, name);
}

/** What names stand for of one device. */
export function lookUpIn(values: DeviceValues): LookUp {
  return (name) => readerOf(name)(values);
}

function factOf({ facts }: NamedDevice, name: string): Valued {
  const value = Object.hasOwn(facts, name) ? facts[name] : undefined;
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}
