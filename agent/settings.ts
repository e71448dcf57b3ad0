import type { SettingName } from "#shared/settings";

/** The settings of an agent that runs alone; those of a name are the same in every program. */
export const agentSettings: readonly SettingName[] = [
  "data",
  "root",
  "logLevel",
  "device",
  "interval",
  "batchSize",
  "outboxSize",
  "outboxAge",
  "execDirectory",
  "execAllow",
  "rebootCommand",
  "interfaces",
  "mounts",
  "disks",
  "metricsSocket",
  "metricsDirectory",
  "mqttUrl",
  "mqttPort",
  "mqttVersion",
];
