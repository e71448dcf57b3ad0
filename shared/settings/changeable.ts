import type { SettingName } from "#shared/settings";

/** Settings of the console whose owners take another value while they run. */
export const changeableNames = [
  "logLevel",
  "historyAge",
  "historyMinutes",
  "historyQuarters",
  "historySize",
  "seriesBudget",
  "spoolSize",
  "certificateLife",
  "reportWeekly",
  "reportMonthly",
  "reportZone",
] as const satisfies readonly SettingName[];

export type ChangeableName = (typeof changeableNames)[number];

export function isChangeable(name: SettingName): name is ChangeableName {
  return changeableNames.some((one) => one === name);
}

const cutsOff = "another value would cut off who is connected, and perhaps whoever sets it: it is taken at a start";

/** Why a setting is taken at a start alone, where there is more to say than that it is read once. */
const reasons: Readonly<Partial<Record<SettingName, string>>> = {
  data: "everything that is kept lies there: move it while Muster does not run",
  listen: cutsOff,
  httpPort: cutsOff,
  mqttPort: cutsOff,
  mqttsPort: cutsOff,
  certificatePort: cutsOff,
  insecurePlaintext: cutsOff,
  hosts: cutsOff,
  trustedProxies: cutsOff,
  mqttUrl: cutsOff,
  root: cutsOff,
  oidcIssuer: cutsOff,
  oidcRoles: cutsOff,
  oidcOrigin: cutsOff,
  tlsCert: "the file itself is read anew whenever it changes; another one at a start",
  tlsKey: "the file itself is read anew whenever it changes; another one at a start",
  adminPassword: "it is for the first start: change a password on the page People, or with muster operator",
  influxUrl: "what is stored does not move with it: it is taken at a start",
  influxRetention: "InfluxDB's policy is made as the store is opened",
  fieldTypes: "what a field is, muster field decides while Muster runs; what is declared counts from a start on",
};

/** Why this setting does not change while Muster runs. */
export function whyAtStart(name: SettingName): string {
  return reasons[name] ?? "it is read once, at a start";
}
