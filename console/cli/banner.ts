import { Topics } from "#shared/topics";
import { parseDeviceId } from "#shared/ids";
import { version } from "#shared/version";

export interface BannerFacts {
  readonly http: string;
  readonly broker: string;
  /** The administrator's new password; undefined when it has been shown before. */
  readonly password: string | undefined;
  readonly device: string;
  readonly root: string;
  readonly listen: string;
}

/** What `muster start` says once everything is up, with lines ready to paste. */
export function banner({ http, broker, password, device: name, root, listen }: BannerFacts): string {
  const { hostname, port } = new URL(broker);
  const topics = new Topics(root);
  const device = parseDeviceId(name);
  const login = `-h ${hostname} -p ${port || 1883} -u admin -P ${password ?? "PASSWORD"}`;
  const presence = topics.filter("status");
  const replies = topics.filter("reply");
  const lines = [
    "",
    `Muster ${version} is up.`,
    `  page     ${http}`,
    password === undefined ? "  log in   as admin" : `  log in   as admin, password ${password}   (shown this once)`,
    `  broker   ${hostname}:${port || 1883}, MQTT and WebSocket`,
    `  watch    mosquitto_sub ${login} -v -t '${presence}' -t '${replies}'`,
    `  send     mosquitto_pub ${login} -t ${topics.build({ kind: "short", device })} -m ping`,
    `           npx muster send ${device} ping`,
    "",
  ];
  if (!isLoopback(listen))
    lines.push(`Warning: MUSTER_LISTEN=${listen} opens unencrypted MQTT and HTTP to that network.`, "");
  return `${lines.join("\n")}\n`;
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address === "localhost";
}
