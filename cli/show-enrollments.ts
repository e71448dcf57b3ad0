import { counted } from "#shared/counted";
import type { Client, EnrollmentDocument, JoinRequestDocument, MadeEnrollment } from "#api/client";
import { formatDuration } from "#shared/duration";
import { BadInputError } from "#shared/errors";
import { forShell, forTerminal } from "#shared/printable";
import { terminalQr } from "./terminal-qr.ts";
import { ago, table } from "./text-table.ts";

export interface EnrollFlags {
  readonly group?: readonly string[];
  readonly ttl?: string;
  readonly uses?: string;
  readonly again?: boolean;
  readonly certificate?: boolean;
  readonly origin?: string | undefined;
  readonly list?: boolean;
  readonly revoke?: string;
  /** Machines that ask without a code: lists them, lets one in under the name, or does not. */
  readonly requests?: boolean;
  readonly approve?: string;
  readonly deny?: string;
  readonly json?: boolean;
  /** Also draws the line as a QR code. */
  readonly qr?: boolean;
}

interface Around {
  readonly now: number;
  /** By which a verb finds the same console. */
  readonly flags: readonly string[];
}

/** Makes a code by which a machine comes in, lists them, or revokes one. @returns what to print */
export async function enroll(
  client: Client,
  name: string | undefined,
  flags: EnrollFlags,
  { now, flags: ofVerbs }: Around,
): Promise<string> {
  if (flags.revoke !== undefined) {
    await client.revokeEnrollment(flags.revoke);
    return `${forTerminal(flags.revoke)} lets nobody in any more`;
  }
  if (flags.deny !== undefined) {
    await client.denyJoinRequest(flags.deny);
    return `${forTerminal(flags.deny)} is not let in`;
  }
  if (flags.approve !== undefined) {
    if (name === undefined) throw new BadInputError("--approve lets a machine in under a name: expected it as well");
    const groups = flags.group === undefined ? {} : { groups: [...flags.group] };
    const { device } = await client.approveJoinRequest(flags.approve, { name, ...groups });
    return `${device} is let in`;
  }
  if (flags.requests) return requestTable((await client.listJoinRequests()).requests, now);
  if (name === undefined || flags.list) {
    const { enrollments } = await client.listEnrollments();
    return flags.json ? JSON.stringify({ enrollments }) : enrollmentTable(enrollments, now);
  }
  const { group, ttl, uses, again, certificate, origin } = flags;
  const made = await client.createEnrollment({
    name,
    ...(group === undefined ? {} : { groups: [...group] }),
    ...(ttl === undefined ? {} : { ttl }),
    ...(uses === undefined ? {} : { uses: whole(uses) }),
    ...(again === undefined ? {} : { again }),
    ...(certificate === undefined ? {} : { certificate }),
    ...(origin === undefined ? {} : { origin }),
  });
  if (flags.json) return JSON.stringify(made);
  const told = toldOf(made, { now, flags: ofVerbs });
  return flags.qr ? `${told}\n\n${terminalQr(made.qr)}` : told;
}

function whole(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new BadInputError(`--uses is ${forTerminal(text, 40)}: expected a whole number`);
}

function toldOf({ enrollment, line, code, note }: MadeEnrollment, { now, flags }: Around): string {
  const { name, uses, expires, id } = enrollment;
  const many = uses === 1 ? "once" : `for ${counted(uses, "machine")}`;
  return [
    `${name}: paste this line on the device, where curl and Node 18.19 or newer are. It is good ${many}, for ${formatDuration(expires - now)}:`,
    "",
    line,
    "",
    `or, with the agent's file or this package there: muster agent join ${code}`,
    ...(note === null ? [] : [`note: ${note}`]),
    `to take it back: muster enroll ${["--revoke", id, ...flags.map(forShell)].join(" ")}`,
  ].join("\n");
}

function requestTable(requests: readonly JoinRequestDocument[], now: number): string {
  if (requests.length === 0) return "no machine asks: on one run node muster-agent.cjs join CONSOLE --ask";
  const rows = requests.map(({ id, fingerprint, address, since, hostname, serial, mac }) => [
    id,
    fingerprint,
    address,
    ago(since, now),
    hostname ?? "–",
    serial ?? "–",
    mac ?? "–",
  ]);
  return table(["ID", "FINGERPRINT", "ADDRESS", "ASKED", "HOST", "SERIAL", "MAC"], rows);
}

function enrollmentTable(enrollments: readonly EnrollmentDocument[], now: number): string {
  if (enrollments.length === 0) return "no codes: make one with muster enroll DEVICE";
  const rows = enrollments.map(({ id, name, state, used, uses, expires, by, groups, joined }) => [
    id,
    name,
    state,
    `${used}/${uses}`,
    state === "open" ? formatDuration(expires - now) : "–",
    groups.join(" "),
    by,
    joined.map(({ device }) => device).join(" "),
  ]);
  return table(["CODE", "NAME", "STATE", "USED", "LEFT", "GROUPS", "BY", "JOINED"], rows);
}
