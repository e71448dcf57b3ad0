import { hostname } from "node:os";
import { begun, lineOf, type AuditEntry } from "./entry.ts";

/** RFC 5424, table 1: "log audit". */
const facility = 13;
/** RFC 5424, table 2: normal but significant; and what somebody should look at. */
const severity = { notice: 5, warning: 4 } as const;
/** Characters of RFC 5424's HOSTNAME and MSGID. */
const longest = { host: 255, word: 32 } as const;

/**
 * An entry as a message of syslog (RFC 5424): its word is the MSGID, and the message is its line of an export, so that whoever collects them has
 * what the chain is checked with.
 */
export function syslogLine(entry: AuditEntry, host = hostname(), process_ = process.pid): string {
  const level = entry.result === "ok" || entry.result === begun ? severity.notice : severity.warning;
  const priority = facility * 8 + level;
  const moment = new Date(entry.ts).toISOString();
  const header = [`<${priority}>1`, moment, word(host, longest.host), "muster", String(process_)];
  return [...header, word(entry.what, longest.word), "-", lineOf(entry)].join(" ");
}

/** PRINTUSASCII, without spaces, or nothing. */
function word(text: string, most: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, "").slice(0, most) || "-";
}
