import type { FieldType } from "#shared/field-type";
import type { DeviceId } from "#shared/ids";
import type { Log } from "#shared/log";
import { forShell } from "#shared/printable";
import type { FieldTypes, Origin } from "./field-types.ts";
import { fieldOf, keyOf, type HeldOf } from "./held-counts.ts";
import type { HeldValues } from "./held.ts";

export interface ConflictsOptions {
  readonly types: FieldTypes;
  readonly held: HeldValues;
  readonly log: Log;
  /** Tells a device's sender, on `refused`, about one of its fields. */
  readonly tell: (device: DeviceId, why: string) => void;
  /** What is to be seen beside a device, as a sentence; null where there is nothing (any more). */
  readonly problem: (device: DeviceId, problem: string | null) => void;
}

/** A field that devices see differently, and nobody has decided about yet. */
export interface Conflict {
  readonly measurement: string;
  readonly field: string;
  readonly type: FieldType;
  readonly origin: Origin;
  readonly held: readonly HeldOf[];
}

/** Conflicts of one device that its problem names; of the others it says how many they are. */
const named = 2;

/** Conflicts of one message that are told one by one. */
export const toldSingly = 8;

interface Noticed {
  readonly device: DeviceId;
  readonly measurement: string;
  readonly field: string;
}

/** Tells on both sides of a conflict, and in the log, what is held and how to settle it. */
export class Conflicts {
  readonly #options: ConflictsOptions;
  /** By field, the device that sent it first; and the other way about. */
  readonly #first = new Map<string, DeviceId>();
  readonly #firstOf = new Map<DeviceId, Set<string>>();
  /** Devices that were told that there is no more room for them. */
  readonly #full = new Set<DeviceId>();
  #noticed: Noticed[] = [];

  constructor(options: ConflictsOptions) {
    this.#options = options;
  }

  /** Tells what former runs have left open. */
  start(): void {
    for (const conflict of this.walk()) this.#changed(conflict);
  }

  /** One by one: there may be thousands, each a look into the database. */
  *walk(): Generator<Conflict, void, void> {
    for (const { measurement, field } of this.#options.held.fields()) {
      const conflict = this.of(measurement, field);
      if (conflict) yield conflict;
    }
  }

  /** @returns undefined where nothing of the field is held, or it has no type */
  of(measurement: string, field: string): Conflict | undefined {
    const { types, held } = this.#options;
    const devices = held.of(measurement, field);
    const type = types.of(measurement)?.fields.get(field);
    if (devices.size === 0 || type === undefined) return undefined;
    return { measurement, field, type, origin: types.origin(measurement, field), held: [...devices.values()] };
  }

  /** To be called when a device's first value of a field is held; told with the next {@link commit}. */
  noticed(device: DeviceId, measurement: string, field: string): void {
    this.#noticed.push({ device, measurement, field });
  }

  /**
   * Tells what was noticed since the last time: some fields one by one, of the others how many they are, because one message may
   * bring a hundred. To be called before anything of that message is acknowledged.
   */
  commit(): void {
    if (this.#noticed.length === 0) return;
    const noticed = this.#noticed;
    this.#noticed = [];
    const touched = new Set<DeviceId>();
    for (const { device, measurement, field } of noticed) this.#record(measurement, field, touched.add(device));
    for (const device of touched) this.#show(device);
    for (const { device, measurement, field } of noticed.slice(0, toldSingly)) {
      const conflict = this.of(measurement, field);
      if (conflict) this.#say({ device, measurement, field }, sentence(conflict, device));
    }
    const [next] = noticed.slice(toldSingly);
    if (!next) return;
    const more = noticed.length - toldSingly;
    this.#say(
      next,
      `${more} more fields, the first of them ${next.measurement}.${next.field}, come in another type than they have, and are held and not stored: see muster field`,
    );
  }

  #say(of: Noticed, why: string): void {
    this.#options.log.warn(of, why);
    this.#options.tell(of.device, why);
  }

  /** To be called when there was no room for more of a device's values of a field; tells it once. */
  overflowed(device: DeviceId, measurement: string, field: string): void {
    if (this.#full.has(device)) return;
    this.#full.add(device);
    const why = `${measurement}.${field}: there is no room to hold more of its values, which are not stored and counted; ${howTo(measurement, field)}`;
    this.#options.log.warn({ device, measurement, field }, why);
    this.#options.tell(device, why);
  }

  /** To be called when what is held of a field has become less. @param devices whose values they were */
  settled(measurement: string, field: string, devices: Iterable<DeviceId>): void {
    const key = keyOf(measurement, field);
    const first = this.#first.get(key);
    if (first !== undefined && this.#options.held.of(measurement, field).size === 0) {
      this.#first.delete(key);
      const own = this.#firstOf.get(first);
      own?.delete(key);
      if (own?.size === 0) this.#firstOf.delete(first);
    }
    for (const device of devices) this.#full.delete(device);
    for (const device of new Set([...devices, ...(first === undefined ? [] : [first])])) this.#show(device);
  }

  #changed({ measurement, field, held }: Conflict): void {
    const touched = new Set(held.map(({ device }) => device));
    this.#record(measurement, field, touched);
    for (const device of touched) this.#show(device);
  }

  /** Remembers who sent the field first; that device joins the `touched`. */
  #record(measurement: string, field: string, touched: Set<DeviceId>): void {
    const origin = this.#options.types.origin(measurement, field);
    if (origin.how !== "first") return;
    const key = keyOf(measurement, field);
    this.#first.set(key, origin.device);
    const own = this.#firstOf.get(origin.device);
    if (own) own.add(key);
    else this.#firstOf.set(origin.device, new Set([key]));
    touched.add(origin.device);
  }

  #show(device: DeviceId): void {
    const { held, problem } = this.#options;
    const own = new Set([...held.fieldsOf(device), ...(this.#firstOf.get(device) ?? [])]);
    const told = [...own]
      .slice(0, named)
      .flatMap((key) => this.of(...fieldOf(key)) ?? [])
      .map((conflict) => sentence(conflict, device));
    const others = own.size - told.length;
    const more = others > 0 ? [`and ${others} more fields`] : [];
    problem(device, told.length === 0 ? null : [...told, ...more].join("; "));
  }
}

/** How a conflict reads beside `device`, which is on either side of it. */
function sentence({ measurement, field, type, origin, held }: Conflict, device: DeviceId): string {
  const name = `${measurement}.${field}`;
  const own = held.find((one) => one.device === device);
  const others = held.filter((one) => one.device !== device).map((one) => one.device);
  if (own === undefined)
    return `${name} is ${type} because this device sent it first, and ${some(others)} sends ${held[0]?.got ?? "something else"}, which is held and not stored; ${howTo(measurement, field)}`;
  return `${name} is ${type} ${because(origin, device)}, and ${origin.how === "first" && origin.device === device ? "by now also" : "this device"} sends ${own.got} (${own.sample.slice(0, 60)}), which is held and not stored; ${howTo(measurement, field)}`;
}

function because(origin: Origin, device: DeviceId): string {
  switch (origin.how) {
    case "first":
      return `because ${origin.device === device ? "this device" : origin.device} sent it first`;
    case "store":
      return "because InfluxDB holds it so";
    case "settled":
      return `because ${origin.by} has decided so`;
    case "declared":
    case "shipped":
      return `because it is ${origin.how}`;
  }
}

function some(devices: readonly DeviceId[]): string {
  return devices.length > 2 ? `${devices[0]} and ${devices.length - 1} more` : devices.join(" and ");
}

function howTo(measurement: string, field: string): string {
  return `settle what it is with: muster field ${forShell(`${measurement}.${field}`)} --type float (or integer, string, boolean)`;
}
