import type { LookUp, Valued } from "#shared/filter/evaluate-filter";
import type { Json } from "#shared/messages/payload-schema";
import type { Device } from "../devices/device.ts";
import type { Sample } from "../devices/latest-values.ts";

export interface DeviceValues {
  readonly device: Device;
  readonly groups: readonly string[];
  /** The newest of each series. */
  readonly samples: readonly Sample[];
  /** Epoch ms. */
  readonly now: number;
  /** Samples from before this moment say nothing. */
  readonly since?: number;
}

/**
 * What names stand for in a condition on a device: `id`, `online`, `group`, `version`, `build`, `silent` (milliseconds since anything was heard of it), its facts,
 * and `measurement.field` for the newest value: of the whole where a measurement has such a series (`cpu-total`), else of each series.
 */
export function lookUpIn({ device, groups, samples, now, since = 0 }: DeviceValues): LookUp {
  return (name) => {
    switch (name) {
      case "id":
        return device.id;
      case "online":
        return device.online;
      case "group":
        return groups;
      case "version":
      case "agent":
        return device.agent ?? undefined;
      case "build":
        return device.build ?? undefined;
      case "silent":
        return device.lastSeen === null ? undefined : Math.max(0, now - device.lastSeen);
      default:
        return metric(name, samples, since) ?? fact(device, name);
    }
  };
}

function metric(name: string, samples: readonly Sample[], since: number): Valued {
  const dot = name.lastIndexOf(".");
  if (dot <= 0) return undefined;
  const [measurement, field] = [name.slice(0, dot), name.slice(dot + 1)];
  const found = samples.filter(
    (one) => one.measurement === measurement && one.ts >= since && Object.hasOwn(one.fields, field),
  );
  const whole = found.find(({ tags }) => Object.values(tags).every((value) => value.endsWith("-total")));
  const values = (whole ? [whole] : found).flatMap(({ fields }) => fields[field] ?? []);
  return values.length === 0 ? undefined : values.length === 1 ? values[0] : values;
}

function fact({ facts }: Device, name: string): Valued {
  const value: Json | undefined = Object.hasOwn(facts, name) ? facts[name] : undefined;
  if (value === undefined || value === null) return undefined;
  return typeof value === "object" ? JSON.stringify(value) : value;
}
