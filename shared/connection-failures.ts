import { ReasonCodes } from "mqtt";
import { errorCode } from "#shared/errors";
import { forTerminal } from "#shared/printable";

// Why there is no connection, by what mqtt.js, Node and the other side tell of it.

/** What else than a broker answers on this port, by its first bytes. */
export function strangerIn(first: Buffer): Error | undefined {
  if (first.subarray(0, 5).toString("latin1") === "HTTP/")
    return new Error("a web server answers there, and no MQTT broker: check the port");
  // A TLS record of an alert or of a handshake (RFC 8446 §5.1).
  if ((first[0] === 0x15 || first[0] === 0x16) && first[1] === 3)
    return new Error("TLS is spoken there: use mqtts:// or wss://, or another port");
  return undefined;
}

/** Why the broker has ended the connection, which MQTT 5 tells (§3.14.2.1). */
export function cutOff(code: number, text: string | undefined): Error {
  const name = (ReasonCodes as Readonly<Record<number, string>>)[code];
  const said = [name || `reason ${code}`, ...(text ? [forTerminal(text)] : [])].join(": ");
  return new Error(`the broker has ended the connection (${said})`);
}

/** The way there, or TLS on it; not what a broker has said. */
export function isNetworkError(error: Error): boolean {
  return /^(E[A-Z]+|ERR_TLS|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(errorCode(error) ?? "");
}

/** Of a server that is there, and that we do not take for the broker. */
export function isBadCertificate(cause: Error | undefined): boolean {
  return /^(ERR_|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test((cause && errorCode(cause)) ?? "");
}

/** CONNACK codes 4 and 5 of MQTT 3.1.1 (§3.2.2.3), 0x86 and 0x87 of version 5. */
export function isRefusedLogin(error: Error): boolean {
  return "code" in error && [4, 5, 0x86, 0x87].includes(Number(error.code));
}

/** In a few words. */
export function explainFailure(cause: Error | undefined): string {
  if (!cause) return "connection closed";
  if (isRefusedLogin(cause)) return "user name or password refused";
  return cause.message || (errorCode(cause) ?? cause.name);
}
