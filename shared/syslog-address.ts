import { isIPv6 } from "node:net";

/** Where lines of syslog go. */
export interface SyslogAddress {
  readonly protocol: "udp" | "tcp";
  readonly host: string;
  readonly port: number;
  /** As it was given, to be told. */
  readonly url: string;
}

/** RFC 5426, 3.3 and RFC 6587's usage: what is taken where none is given. */
const usualPort = { udp: 514, tcp: 514 } as const;

/** @throws Error whose message says what was expected */
export function parseSyslogUrl(text: string): SyslogAddress {
  const [, protocol, six, other, port] =
    /^(udp|tcp):\/\/(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::(\d{1,5}))?\/?$/i.exec(text.trim()) ?? [];
  const host = six ?? other;
  if ((protocol !== "udp" && protocol !== "tcp") || host === undefined || (six !== undefined && !isIPv6(six)))
    throw new Error("expected udp://host:514 or tcp://host:514, without anything behind it");
  const number = port === undefined ? usualPort[protocol] : Number(port);
  if (number < 1 || number > 65_535) throw new Error("expected a port from 1 to 65535 in the URL");
  return { protocol, host, port: number, url: text.trim() };
}
