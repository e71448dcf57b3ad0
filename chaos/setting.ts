import type { Disks } from "./home.ts";

export type BrokerKind = "embedded" | "mosquitto" | "nats" | "mochi";
export type StoreKind = "embedded" | "influx";
export const devices = ["dev-a", "dev-b"] as const;
export type Device = (typeof devices)[number];
/** The device without an agent: it sends simple samples, and keeps nothing itself. */
export const simpleDevice = "dev-s";
/** The device whose outbox has room for a second or two only. */
export const smallOutbox: Device = "dev-b";
/** What can be struck: an agent by its device, the console (with the broker, where that is embedded), and servers of other makers. */
export type Role = Device | "server" | "broker" | "influx";

/** What agents, console and callers speak: one version of MQTT, or the highest that the broker lets in. The embedded one has 3.1.1. */
export type MqttVersion = 4 | 5 | "auto";

/** What a run is made of: which faults make sense depends on it. */
export interface Setting {
  readonly broker: BrokerKind;
  readonly store: StoreKind;
  readonly disks: Disks;
  readonly mqtt?: MqttVersion;
  /** Whether agents, console and callers come to the broker by TLS. */
  readonly tls?: boolean;
  /** Whether devices take only commands that are signed, over a bus that can be hostile; and whether they look, or only say so. */
  readonly signed?: "checked" | "unchecked" | undefined;
}

export function versionOf({ broker, mqtt = "auto" }: Setting): MqttVersion {
  return broker === "embedded" ? 4 : mqtt;
}

export function isDevice(who: Role): who is Device {
  return devices.some((device) => device === who);
}
