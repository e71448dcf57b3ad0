import { inUrl, parseBrokerUrl } from "#shared/address";
import { Topics } from "#shared/topics";
import { parseDeviceId } from "#shared/ids";
import { forShell, forTerminal } from "#shared/printable";
import { version } from "#shared/version";

export interface BannerFacts {
  readonly http: string;
  readonly broker: string;
  /**
   * Where the broker is somebody else's, whether it is connected: there people have a secret of its own, and a name for each
   * connection.
   */
  readonly external: Reached | undefined;
  /** The flags by which a verb finds this console from the same directory, where they are not the defaults. */
  readonly flags: readonly string[];
  /** The same for a verb that works on the data itself. */
  readonly dataFlags: readonly string[];
  /** The administrator's new password; undefined when it has been shown before. */
  readonly password: string | undefined;
  readonly device: string;
  readonly root: string;
  /** Where something is open beyond this machine: what, to whom, and how that is trusted. */
  readonly open: readonly string[];
}

/** Why a broker is not connected yet, if it is not. */
export interface Reached {
  readonly problem: string | undefined;
}

/** A broker that is somebody else's, and whether it is there. */
export function externalBroker(url: string, { problem }: Reached): string {
  const state =
    problem === undefined ? "connected" : `not reached yet: ${forTerminal(problem)}; it is tried again and again`;
  return `external broker at ${parseBrokerUrl(url).url}, ${state}`;
}

/** What `muster start` says once everything is up, with lines ready to paste. */
export function banner({
  http,
  broker,
  external,
  password,
  device: name,
  root,
  open,
  flags,
  dataFlags,
}: BannerFacts): string {
  const { host, port = 1_883 } = parseBrokerUrl(broker);
  const topics = new Topics(root);
  const device = parseDeviceId(name);
  const secret = external ? "SECRET" : (password ?? "PASSWORD");
  const login = (user: string): string => `-h ${forShell(host)} -p ${port} -u ${user} -P ${forShell(secret)}`;
  const presence = topics.filter("status");
  const replies = topics.filter("reply");
  const lines = [
    "",
    `Muster ${version} is up${external?.problem === undefined ? "" : ", but has not reached its broker yet"}.`,
    `  page     ${http}`,
    password === undefined ? "  log in   as admin" : `  log in   as admin, password ${password}   (shown this once)`,
    `  broker   ${external ? externalBroker(broker, external) : `${inUrl(host)}:${port}, MQTT and WebSocket`}`,
    ...(external
      ? [`  SECRET   is made by: npx muster ${["operator", "admin", "--mqtt", ...dataFlags.map(forShell)].join(" ")}`]
      : []),
    `  watch    mosquitto_sub ${login(external ? "admin~2" : "admin")} -v -t ${forShell(presence)} -t ${forShell(replies)}`,
    `  send     mosquitto_pub ${login("admin")} -t ${forShell(topics.build({ kind: "short", device }))} -m ping`,
    `           npx muster send ${[device, "ping", ...flags.map(forShell)].join(" ")}`,
    "",
    ...open,
    ...(open.length > 0 ? [""] : []),
  ];
  return `${lines.join("\n")}\n`;
}
