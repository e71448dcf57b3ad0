import type { Disks } from "./home.ts";

export type BrokerKind = "embedded" | "mosquitto" | "nats" | "mochi";
export const devices = ["dev-a", "dev-b"] as const;
export type Device = (typeof devices)[number];
/** What can be killed: an agent by its device, the console (with the broker, where that is embedded), the external broker. */
export type Role = Device | "server" | "broker";

/** How a command is sent, and by which of the three promises its handler goes. */
export const ways = ["call", "patient", "queued", "brief", "typed-task", "typed-short"] as const;
export type Way = (typeof ways)[number];
export const keys = ["once", "rerun", "verify"] as const;
export type Key = (typeof keys)[number];

/** What agents, console and callers speak: one version of MQTT, or the highest that the broker lets in. The embedded one has 3.1.1. */
export type MqttVersion = 4 | 5 | "auto";

/** What a run is made of: which faults make sense depends on it. */
export interface Setting {
  readonly kind: BrokerKind;
  readonly disks: Disks;
  readonly mqtt?: MqttVersion;
}

export function versionOf({ kind, mqtt = "auto" }: Setting): MqttVersion {
  return kind === "embedded" ? 4 : mqtt;
}
