import { readdirSync, statfsSync, statSync } from "node:fs";
import { connect as connectPlain, createServer } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { inUrl, parseBrokerUrl } from "#shared/address";
import { counted } from "#shared/counted";
import { certificateTrouble } from "#shared/certificate-troubles";
import { asError, errorCode } from "#shared/errors";
import type { Finding } from "#shared/finding";
import { certificatesIn } from "#shared/pinned-ca";
import { pinnedFetch } from "../../cli/pinned-fetch.ts";

/** Bytes of a disk below which a person should make room: a day of a fleet's samples, or an outbox and an update. */
export const tightDisk = { console: 256 * 1024 * 1024, agent: 32 * 1024 * 1024 } as const;
/** Milliseconds before its end in which a certificate is told of: ours are renewed long before by themselves. */
export const endsSoon = 14 * 86_400_000;
/** Milliseconds by which two clocks may differ: a device's is taken as it is up to then. */
export const clockTolerance = 300_000;
/** Milliseconds for an answer. */
const patience = 5_000;
/** No Muster is older. */
const oldest = Date.UTC(2025, 0, 1);

const sound = (what: string, says: string): Finding => ({ what, state: "sound", says });
const trouble = (what: string, says: string): Finding => ({ what, state: "trouble", says });
const note = (what: string, says: string): Finding => ({ what, state: "note", says });

/** Room on the disk of a directory, and whether this user may write there. */
export function lookAtDisk(directory: string, least: number): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(directory);
  const free = bavail * bsize;
  const told = `${Math.floor(free / 1e6)} MB free`;
  if (free < least)
    return trouble(
      "disk",
      `${told} for ${directory}, expected ${Math.ceil(least / 1e6)} MB: make room there, or give Muster less with MUSTER_HISTORY_SIZE or MUSTER_OUTBOX_SIZE`,
    );
  if (files > 0 && ffree < 1_000)
    return trouble("disk", `${told}, but only ${counted(ffree, "file")} more can be made there: remove some`);
  return sound("disk", told);
}

/** Whether the clock can be believed, by what was written here before it. @param now epoch ms */
export function lookAtClock(directory: string, now: number): Finding {
  const written = Math.max(0, ...readdirSync(directory).map((name) => timeOf(join(directory, name))));
  const says = `this machine's clock says ${new Date(now).toISOString()}`;
  if (now < oldest || written > now + clockTolerance)
    return trouble(
      "clock",
      `${says}, and something here was written ${new Date(Math.max(written, oldest)).toISOString()}: set it, as by NTP (timedatectl set-ntp true), before Muster starts`,
    );
  return sound("clock", says);
}

/** How far it is from the console's. @param ca authorities that it is known by, PEM */
export async function compareClocks(origin: string, now: () => number, ca?: string): Promise<Finding> {
  try {
    const before = now();
    const ask = ca !== undefined && origin.startsWith("https:") ? pinnedFetch(ca, true) : fetch;
    const { headers } = await ask(new URL("/healthz", origin), { signal: AbortSignal.timeout(patience) });
    const there = Date.parse(headers.get("date") ?? "");
    const apart = Math.abs(there - (before + now()) / 2);
    if (!(apart > clockTolerance)) return sound("console", `${origin} answers, and its clock agrees with this one`);
    return trouble(
      "clock",
      `it is ${Math.round(apart / 60_000)} min off that of the console at ${origin}: set whichever is wrong, as by NTP; until then the console dates this device's samples by their arrival`,
    );
  } catch (thrown) {
    return trouble(
      "console",
      `${origin} does not answer (${whyOf(thrown)}): see whether Muster runs there, and the network between`,
    );
  }
}

/** Certificates in the files of a directory. @param now epoch ms */
export function lookAtCertificates(directory: string, now: number): Finding[] {
  return filesIn(directory).flatMap((name) => {
    try {
      const text = readRegularFile(join(directory, name), maxSmallFileBytes).toString("utf8");
      return certificatesIn(text).map((one) => certificateFinding(join("tls", name), Date.parse(one.validTo), now));
    } catch {
      return [];
    }
  });
}

/** @param until when it ends @param now both epoch ms */
export function certificateFinding(what: string, until: number, now: number): Finding {
  const told = new Date(until).toISOString();
  if (until < now)
    return trouble(
      what,
      `it ended ${told}: a start makes another server's certificate, muster tls rotate another authority, muster enroll NAME --again a device's`,
    );
  if (until < now + endsSoon)
    return trouble(what, `it ends ${told}, and should have been renewed by itself: start Muster, and see its log`);
  return sound(what, `good until ${told}`);
}

/** Who has a port of the console's. @param listen the address @param setting by which another one is chosen */
export async function lookAtPort(
  { listen, port, setting }: { readonly listen: string; readonly port: number; readonly setting: string },
  isOurs: (host: string) => Promise<boolean>,
): Promise<Finding> {
  const what = `port ${port}`;
  if (port === 0) return note(what, "a free one is taken at the start");
  const host = listen === "0.0.0.0" || listen === "::" ? "127.0.0.1" : listen;
  if (await answers(host, port)) {
    if (await isOurs(host)) return sound(what, "Muster is there");
    return trouble(
      what,
      `another program has it: end that (ss -ltnp 'sport = :${port}' names it), or choose another with ${setting}`,
    );
  }
  const why = await whyNotTaken(listen, port);
  if (why === undefined) return note(what, "nobody is there: Muster does not run, and can have it");
  if (why === "EACCES") return trouble(what, `this user may not have it: choose one above 1023 with ${setting}`);
  if (why === "EADDRNOTAVAIL")
    return trouble(what, `this machine has no address ${listen}: choose one of its own with MUSTER_LISTEN`);
  return trouble(what, `it cannot be had (${why}): choose another with ${setting}`);
}

/** Whether a console answers there. */
export async function isConsole(host: string, port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${inUrl(host)}:${port}/healthz`, {
      signal: AbortSignal.timeout(patience),
      redirect: "manual",
    });
    // Beyond loopback it leads on to https.
    return answer.status === 308 || answer.status === 301 || /^\{"ok":(true|false)/.test(await answer.text());
  } catch {
    return false;
  }
}

const usualPorts = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** Whether a broker can be reached, as far as that is seen without a login, which would push out who has it. @param ca trusted authorities, PEM */
export async function lookAtBroker(url: string, ca: string | undefined): Promise<Finding> {
  const { protocol, host, port = usualPorts[protocol] } = parseBrokerUrl(url);
  const place = `${host}:${port}`;
  const isTls = protocol === "mqtts" || protocol === "wss";
  const failed = await reach(host, port, isTls ? { ca } : undefined);
  if (!failed) return sound("broker", `${place} can be reached`);
  const why = certificateTrouble(failed, Date.now()) ?? adviceFor(failed, host);
  return trouble("broker", `${place}: ${why}`);
}

/** Whether InfluxDB answers, and lets us write. */
export async function lookAtInflux(url: string): Promise<Finding> {
  const { origin, pathname, username, password } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1)) || "muster";
  const headers =
    username === ""
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`,
        };
  try {
    const asked = new URL("/write", origin);
    asked.searchParams.set("db", database);
    const { status } = await fetch(asked, { method: "POST", body: "", headers, signal: AbortSignal.timeout(patience) });
    if (status === 401 || status === 403)
      return trouble(
        "InfluxDB",
        `${origin} does not let this user write: put the right name and password into MUSTER_INFLUX_URL`,
      );
    if (status === 404)
      return trouble(
        "InfluxDB",
        `${origin} has no database ${database}: a start makes it, where the user may; else influx -execute 'CREATE DATABASE "${database}"'`,
      );
    if (status >= 500)
      return trouble(
        "InfluxDB",
        `${origin} answers ${status}: see its log; after a full disk it has to be restarted, even with room again`,
      );
    return sound("InfluxDB", `${origin} answers, database ${database}`);
  } catch (thrown) {
    return trouble(
      "InfluxDB",
      `${origin} does not answer (${whyOf(thrown)}): start it, or put the right host into MUSTER_INFLUX_URL; samples wait meanwhile, on the devices`,
    );
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return reach(host, port, undefined).then((failed) => failed === undefined);
}

/** Connects and leaves. @returns why it could not */
function reach(
  host: string,
  port: number,
  tls: { readonly ca: string | undefined } | undefined,
): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = tls
      ? connectTls({ host, port, servername: host, ...(tls.ca === undefined ? {} : { ca: tls.ca }) })
      : connectPlain({ host, port });
    const end = (failed?: Error): void => {
      socket.destroy();
      resolve(failed);
    };
    socket.setTimeout(patience, () => end(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.once(tls ? "secureConnect" : "connect", () => end());
    socket.once("error", end);
  });
}

function whyNotTaken(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (thrown) => resolve(errorCode(thrown) ?? thrown.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function adviceFor(failed: Error, host: string): string {
  switch (errorCode(failed)) {
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `nobody knows the name ${host} here: correct it in MUSTER_MQTT_URL, or see to this machine's DNS (/etc/resolv.conf)`;
    case "ECONNREFUSED":
      return "nobody listens there: start the broker, or correct the port in MUSTER_MQTT_URL";
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return "no answer: see to the network, and to a firewall between";
    default:
      return `${failed.message}: see to the broker's log`;
  }
}

function whyOf(thrown: unknown): string {
  const { cause, message } = asError(thrown);
  return errorCode(cause) ?? message;
}

function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(crt|pem)$/.test(name))
      .sort();
  } catch {
    return [];
  }
}
