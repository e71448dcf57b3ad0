import type { DeviceId } from "#shared/ids";

/** What is held of one device's values of one field. Moments are epoch ms. */
export interface HeldOf {
  readonly device: DeviceId;
  /** What the values are, and the first of them as text. */
  readonly got: string;
  readonly sample: string;
  readonly values: number;
  /** Values that there was no room for, since the console's start. */
  readonly dropped: number;
  readonly first: number;
  readonly last: number;
}

/** Bytes, about: one device shall not use up what all may. A value with its time is some 25. */
export const maxHeldBytes = { ofDevice: 1024 * 1024, ofAll: 32 * 1024 * 1024 };
/** Fields of one device, and of all (each counted for each of its devices): each is something for a person to decide, and is listed. */
export const maxHeldFields = { ofDevice: 100, ofAll: 5_000 };

/** One field with the devices whose values of it are held. */
interface HeldField {
  readonly measurement: string;
  readonly field: string;
  readonly devices: Map<DeviceId, { -readonly [K in keyof HeldOf]: HeldOf[K] }>;
}

const none: ReadonlyMap<DeviceId, HeldOf> = new Map();
const nothing: ReadonlySet<string> = new Set();

/** How much is held, of whom and of what, and whether there is room for more: in memory, counted along with the rows on the disk. */
export class HeldCounts {
  readonly #fields = new Map<string, HeldField>();
  readonly #fieldsOf = new Map<DeviceId, Set<string>>();
  readonly #bytes = new Map<DeviceId, number>();
  #total = 0;
  /** Fields, each counted for each of its devices. */
  #pairs = 0;

  clear(): void {
    this.#fields.clear();
    this.#fieldsOf.clear();
    this.#bytes.clear();
    this.#pairs = this.#total = 0;
  }

  /** The fields of which values of one device are held, by {@link keyOf}. */
  fieldsOf(device: DeviceId): ReadonlySet<string> {
    return this.#fieldsOf.get(device) ?? nothing;
  }

  fields(): readonly { readonly measurement: string; readonly field: string; readonly devices: readonly HeldOf[] }[] {
    return [...this.#fields.values()].map((one) => ({ ...one, devices: [...one.devices.values()] }));
  }

  /** By device, what is held of one field. */
  of(measurement: string, field: string): ReadonlyMap<DeviceId, HeldOf> {
    return this.#fields.get(keyOf(measurement, field))?.devices ?? none;
  }

  /** Whether values of this field are held of the device already, or it may be one more. */
  takesField(device: DeviceId, measurement: string, field: string): boolean {
    const own = this.fieldsOf(device);
    if (own.has(keyOf(measurement, field))) return true;
    return own.size < maxHeldFields.ofDevice && this.#pairs < maxHeldFields.ofAll;
  }

  hasRoom(device: DeviceId, bytes: number): boolean {
    return (this.#bytes.get(device) ?? 0) + bytes <= maxHeldBytes.ofDevice && this.#total + bytes <= maxHeldBytes.ofAll;
  }

  /** Values that there was no room for: told with those that are held of their field. */
  dropped(device: DeviceId, measurement: string, field: string, values: number): void {
    const known = this.#fields.get(keyOf(measurement, field))?.devices.get(device);
    if (known) known.dropped += values;
  }

  /** A row more. @returns whether it is the first of this device and field */
  add(measurement: string, field: string, of: HeldOf, bytes: number): boolean {
    this.weighed(of.device, (this.#bytes.get(of.device) ?? 0) + bytes);
    const known = this.#fields.get(keyOf(measurement, field))?.devices.get(of.device);
    if (!known) {
      this.#put(measurement, field, of);
      return true;
    }
    known.values += of.values;
    known.last = Math.max(known.last, of.last);
    known.first = Math.min(known.first, of.first);
    return false;
  }

  /** What is left of one device's values of one field; undefined or no values where nothing is. */
  measured(
    device: DeviceId,
    measurement: string,
    field: string,
    left: Pick<HeldOf, "values" | "first" | "last"> | undefined,
  ): void {
    const key = keyOf(measurement, field);
    const held = this.#fields.get(key);
    const known = held?.devices.get(device);
    if (known && left && left.values > 0) Object.assign(known, left);
    else if (held?.devices.delete(device)) this.#forget(device, key);
    if (held?.devices.size === 0) this.#fields.delete(key);
  }

  /** What all rows of a device weigh. */
  weighed(device: DeviceId, bytes: number): void {
    this.#total += bytes - (this.#bytes.get(device) ?? 0);
    if (bytes > 0) this.#bytes.set(device, bytes);
    else this.#bytes.delete(device);
  }

  #put(measurement: string, field: string, of: HeldOf): void {
    const key = keyOf(measurement, field);
    let held = this.#fields.get(key);
    if (!held) this.#fields.set(key, (held = { measurement, field, devices: new Map() }));
    held.devices.set(of.device, { ...of });
    const own = this.#fieldsOf.get(of.device);
    if (own) own.add(key);
    else this.#fieldsOf.set(of.device, new Set([key]));
    this.#pairs += 1;
  }

  #forget(device: DeviceId, key: string): void {
    const own = this.#fieldsOf.get(device);
    own?.delete(key);
    if (own?.size === 0) this.#fieldsOf.delete(device);
    this.#pairs -= 1;
  }
}

/** Names hold no control characters. */
export function keyOf(measurement: string, field: string): string {
  return `${measurement}\n${field}`;
}

/** The inverse of {@link keyOf}. */
export function fieldOf(key: string): readonly [measurement: string, field: string] {
  const [measurement = "", field = ""] = key.split("\n");
  return [measurement, field];
}
