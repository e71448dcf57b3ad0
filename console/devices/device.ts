import type { DeviceId } from "#shared/ids";
import type { Birth } from "#shared/messages/presence-messages";
import { silentAfter, type Rhythm } from "#shared/liveness";
import type { Json } from "#shared/messages/payload-schema";
import type { DeviceLabels } from "#shared/device-labels";
import { toCatalogue, type CommandCatalogue } from "./command-catalogue.ts";
import { IdentityGuard } from "./identity-guard.ts";
import { LatestValues } from "./latest-values.ts";
import type { Retirement } from "./retirements.ts";
import { sharedJson } from "./shared-names.ts";

/** What people say of a device, each left out where they say none. */
export interface PeoplesWord extends DeviceLabels {
  readonly groups?: readonly string[];
  /** That it is out of service, since when and by whom. */
  readonly retired?: Retirement;
}

/** A device as the console knows it; times are epoch ms. */
export interface Device extends PeoplesWord {
  readonly id: DeviceId;
  readonly online: boolean;
  /** Since when it is on- or offline. */
  readonly since: number | null;
  readonly lastSeen: number | null;
  /** Of one without an agent: milliseconds without a word after which it is silent; null of others. */
  readonly silentAfter?: number | null;
  /** Why it is offline. */
  readonly reason: string | null;
  readonly boot: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  /** The beginning of the SHA-256 of its agent's file, where it tells it. */
  readonly build?: string | null;
  /** Why it offers no `update`; left out where it does, or does not say. */
  readonly noUpdate?: string;
  readonly interval: number | null;
  readonly paused: boolean;
  /** What it measures by itself, by name, and whether that is switched on; left out where it has never said. */
  readonly collectors?: Readonly<Record<string, boolean>>;
  readonly facts: Readonly<Record<string, Json>>;
  /** The authorities that its agent trusts alone, by their fingerprints; left out where it does not say. */
  readonly trusts?: readonly string[];
  /** The commands it offers, by key; null when it has never said. */
  readonly commands: CommandCatalogue | null;
  /** The ids of the keys by which its commands have to be signed; left out where they need not be. */
  readonly signers?: readonly string[];
  /** What it says of what it measures; left out where it has never said. */
  readonly measurements?: Birth["measurements"];
  /** Which settings of the console's it has, as it says; left out where it has never said. */
  readonly config?: Birth["config"];
  /** Something that a person should look at. */
  readonly problem: string | null;
  /** Milliseconds that its clock is ahead of the console's; null where that is not known. */
  readonly skew: number | null;
}

/**
 * What may be wrong with a device, in the order in which it is told: its outbox went back to an earlier state or exists twice; its clock;
 * fields on which it and others do not agree; more series than it may have; batches that were set aside as a whole.
 */
export const observations = ["outbox", "clock", "fields", "series", "batches"] as const;
export type Observed = (typeof observations)[number];

/** A device as the registry keeps it. */
export interface DeviceEntry {
  readonly id: DeviceId;
  online: boolean;
  since: number | null;
  lastSeen: number | null;
  /** Of one without an agent: how it is used to be heard. */
  rhythm: Rhythm | undefined;
  /** When it was seen last, as the database has it. */
  kept: number | null;
  reason: string | null;
  problem: string | null;
  /** What was observed of it that a person should look at, as sentences. */
  readonly observed: Map<Observed, string>;
  skew: number | null;
  birth: Birth | undefined;
  /** What it offers, as far as the console takes it; the birth keeps what the device said. */
  offers: CommandCatalogue | undefined;
  /** Whether it has been heard since the console last lost sight of the broker. */
  confirmed: boolean;
  /** Whether it counts as offline for want of a word alone: no death was heard, so whatever it says proves that it is there. */
  presumed: boolean;
  /** Whether it is known as online by its batches and replies: then the session that it has is not known. */
  spoken: boolean;
  /** The number of its newest change. */
  revision: number;
  readonly guard: IdentityGuard;
  readonly latest: LatestValues;
}

/** What a birth changes of an entry: the same door for one that arrives and for one that was kept. */
export function introduced(birth: Birth): Pick<DeviceEntry, "birth" | "offers"> {
  const { commands, collectors, measurements } = birth;
  const shared = {
    ...birth,
    ...(commands && { commands: sharedJson(commands) }),
    ...(collectors && { collectors: sharedJson(collectors) }),
    ...(measurements && { measurements: sharedJson(measurements) }),
  };
  return { birth: shared, offers: commands && sharedCatalogue(shared.commands ?? commands) };
}

/** Catalogues of offers that devices share. */
const catalogues = new WeakMap<object, CommandCatalogue>();

function sharedCatalogue(commands: NonNullable<Birth["commands"]>): CommandCatalogue {
  const known = catalogues.get(commands) ?? toCatalogue(commands);
  catalogues.set(commands, known);
  return known;
}

export function newEntry(id: DeviceId): DeviceEntry {
  return {
    id,
    online: false,
    since: null,
    lastSeen: null,
    rhythm: undefined,
    kept: null,
    reason: null,
    problem: null,
    observed: new Map(),
    skew: null,
    birth: undefined,
    offers: undefined,
    confirmed: false,
    presumed: false,
    spoken: false,
    revision: 0,
    guard: new IdentityGuard(),
    latest: new LatestValues(),
  };
}

export function toDevice(entry: DeviceEntry): Device {
  const { id, online, since, lastSeen, reason, problem, observed, skew, birth, offers } = entry;
  return {
    id,
    online,
    since,
    lastSeen,
    silentAfter: birth || lastSeen === null ? null : silentAfter(entry.rhythm),
    reason: online ? null : (reason ?? (lastSeen === null ? "never heard" : null)),
    boot: birth?.boot ?? null,
    session: birth?.session ?? null,
    agent: birth?.agent ?? null,
    build: birth?.build ?? null,
    ...(birth?.noUpdate === undefined ? {} : { noUpdate: birth.noUpdate }),
    interval: birth?.interval ?? null,
    paused: birth?.paused ?? false,
    ...(birth?.collectors ? { collectors: birth.collectors } : {}),
    facts: birth?.facts ?? {},
    ...(birth?.trusts ? { trusts: birth.trusts } : {}),
    commands: offers ?? null,
    ...(birth?.signers ? { signers: birth.signers } : {}),
    ...(birth?.measurements ? { measurements: birth.measurements } : {}),
    ...(birth?.config ? { config: birth.config } : {}),
    problem: sentences([problem, birth?.problem, ...observations.map((what) => observed.get(what))]),
    skew,
  };
}

/**
 * Whether it was heard and has never said by a birth what it takes, as a sensor without an agent: no agent, or not yet. Firmware that listens for
 * commands without ever saying so cannot be told from it.
 */
export function onlyPublishes({ online, boot, lastSeen }: Pick<Device, "online" | "boot" | "lastSeen">): boolean {
  return !online && boot === null && lastSeen !== null;
}

/** The same as a sentence about the device. */
export const onlyPublishing = (id: string): string =>
  `${id} takes no commands: it only publishes, and no agent has ever introduced itself there`;

function sentences(problems: readonly (string | null | undefined)[]): string | null {
  return problems.filter((one) => typeof one === "string").join("; ") || null;
}
