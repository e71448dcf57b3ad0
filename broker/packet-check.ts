import { counted } from "#shared/counted";
import { filterFault } from "./filters.ts";

/** A packet as mqtt-packet parses it, as far as it is checked here. */
export interface IncomingPacket {
  readonly cmd: string;
  readonly messageId?: number;
  readonly qos?: number;
  readonly topic?: string;
  readonly clientId?: string;
  readonly protocolId?: string;
  readonly protocolVersion?: number;
  readonly username?: string;
  readonly password?: Buffer;
  readonly will?: { readonly topic: string; readonly qos: number };
  readonly subscriptions?: readonly { readonly topic: string }[];
  readonly unsubscriptions?: readonly string[];
}

/**
 * What must not stand in an MQTT string (3.1.1 §1.5.3): NUL, control characters, non-characters, and U+FFFD, into which the
 * parser turns bytes that are not UTF-8, such as lone surrogates.
 */
// oxlint-disable-next-line no-control-regex -- control characters are what it keeps out
const unfit = /[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ufffd-\uffff]/;

/** Filters in one SUBSCRIBE or UNSUBSCRIBE: Aedes handles them in one go. */
export const maxFilters = 200;
/** Characters of a client id: enough for any name with something added to it. */
export const maxClientIdLength = 128;
const longest = 1_024;
const maxTopicLevels = 32;

/** What a packet's first bytes say of it, before the rest has come. */
export interface PacketHeader {
  readonly cmd: string;
  /** Bytes of what follows. */
  readonly length: number;
  readonly dup: boolean;
  readonly qos: number;
}

/** Why a packet is hostile or broken by its first bytes, where it is. mqtt-packet checks the reserved flags, and no lengths. */
export function headerFault({ cmd, length, dup, qos }: PacketHeader): string | undefined {
  switch (cmd) {
    case "publish":
      return dup && qos === 0 ? "DUP at QoS 0 [MQTT-3.3.1-2]" : undefined;
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return length === 2
        ? undefined
        : `a ${cmd} of ${counted(length, "byte")}, where it has 2 (§3.4.1, §3.5.1, §3.6.1, §3.7.1)`;
    case "pingreq":
    case "disconnect":
      return length === 0 ? undefined : `a ${cmd} of ${counted(length, "byte")}, where it has none (§3.12.1, §3.14.1)`;
    default:
      return undefined;
  }
}

/** Why the client id of a CONNECT is refused, which CONNACK 2 tells [MQTT-3.1.3-9]. */
export function clientIdFault({ clientId = "", protocolVersion }: IncomingPacket): string | undefined {
  if (protocolVersion === 3 && clientId === "") return "a CONNECT of MQTT 3.1 without a client id";
  if (/[+#/]/.test(clientId)) return "a client id with +, # or /";
  return clientId.length > maxClientIdLength ? `a client id of ${clientId.length} characters` : undefined;
}

/** Why a packet is hostile or broken, where it is: its connection is closed. Aedes and mqtt-packet check none of this. */
export function faultOf(packet: IncomingPacket): string | undefined {
  switch (packet.cmd) {
    case "connect":
      return connectFault(packet);
    case "publish":
      return (packet.qos ?? 0) > 0 && !packet.messageId ? "packet id 0" : topicFault(packet.topic ?? "");
    case "subscribe":
      return listFault(packet, packet.subscriptions?.map(({ topic }) => topic) ?? []);
    case "unsubscribe":
      return listFault(packet, packet.unsubscriptions ?? []);
    case "puback":
    case "pubrec":
    case "pubrel":
    case "pubcomp":
      return packet.messageId ? undefined : "packet id 0";
    case "pingreq":
    case "disconnect":
      return undefined;
    default:
      return `a ${packet.cmd} packet comes from brokers only`;
  }
}

function connectFault(packet: IncomingPacket): string | undefined {
  const { clientId = "", username, password, will, protocolId, protocolVersion } = packet;
  if (unfit.test(clientId)) return "a client id with characters that MQTT forbids [MQTT-1.5.3-1, -2]";
  if (username !== undefined && unfit.test(username)) return "a user name with characters that MQTT forbids";
  if (username === undefined && password !== undefined) return "a password without a user name [MQTT-3.1.2-22]";
  if ((protocolId === "MQIsdp") !== (protocolVersion === 3)) return "a protocol name that does not go with its version";
  if (will && will.qos > 2) return "a will of QoS 3 [MQTT-3.1.2-14]";
  return will ? topicFault(will.topic) : undefined;
}

function topicFault(topic: string): string | undefined {
  return /[+#]/.test(topic) ? "a topic with + or #" : stringFault(topic);
}

function listFault(packet: IncomingPacket, filters: readonly string[]): string | undefined {
  if (!packet.messageId) return "packet id 0";
  if (filters.length === 0) return "a list of no filters [MQTT-3.8.3-3]";
  if (filters.length > maxFilters) return `a list of ${filters.length} filters, where ${maxFilters} are allowed`;
  for (const filter of filters) {
    const fault = stringFault(filter) ?? filterFault(filter);
    if (fault) return fault;
  }
  return undefined;
}

function stringFault(text: string): string | undefined {
  if (text.length === 0) return "an empty topic [MQTT-4.7.3-1]";
  if (text.length > longest) return `a topic of ${text.length} characters`;
  if (text.split("/").length > maxTopicLevels) return `a topic of more than ${maxTopicLevels} levels`;
  return unfit.test(text) ? "a topic with characters that MQTT forbids" : undefined;
}
