import { readdirSync, statfsSync, statSync } from "node:fs";
import { connect as connectPlain } from "node:net";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { parseBrokerUrl } from "#shared/address";
import { certificateTrouble } from "#shared/certificate-troubles";
import { counted } from "#shared/counted";
import { errorCode } from "#shared/errors";
import { soundOf, troubleOf, type Finding } from "#shared/finding";

/** Bytes of a disk below which a person should make room: a day of a fleet's samples, or an outbox and an update. */
export const tightDisk = { console: 256 * 1024 * 1024, agent: 32 * 1024 * 1024 } as const;
/** Milliseconds before its end in which a certificate is told of: ours are renewed long before by themselves. */
export const endsSoon = 14 * 86_400_000;
/** Milliseconds by which two clocks may differ: a device's is taken as it is up to then. */
export const clockTolerance = 300_000;
/** Milliseconds for an answer. */
export const lookPatience = 5_000;
/** No Muster is older. */
const oldest = Date.UTC(2025, 0, 1);

/** Room on the disk of a directory, and whether this user may write there. */
export function lookAtDisk(directory: string, least: number): Finding {
  const { bavail, bsize, ffree, files } = statfsSync(directory);
  const free = bavail * bsize;
  const told = `${Math.floor(free / 1e6)} MB free`;
  if (free < least)
    return troubleOf(
      "disk",
      `${told} for ${directory}, expected ${Math.ceil(least / 1e6)} MB: make room there, or give Muster less with MUSTER_HISTORY_SIZE or MUSTER_OUTBOX_SIZE`,
    );
  if (files > 0 && ffree < 1_000)
    return troubleOf("disk", `${told}, but only ${counted(ffree, "file")} more can be made there: remove some`);
  return soundOf("disk", told);
}

/** Whether the clock can be believed, by what was written here before it. @param now epoch ms */
export function lookAtClock(directory: string, now: number): Finding {
  const written = Math.max(0, ...readdirSync(directory).map((name) => timeOf(join(directory, name))));
  const says = `this machine's clock says ${new Date(now).toISOString()}`;
  if (now < oldest || written > now + clockTolerance)
    return troubleOf(
      "clock",
      `${says}, and something here was written ${new Date(Math.max(written, oldest)).toISOString()}: set it, as by NTP (timedatectl set-ntp true), before Muster starts`,
    );
  return soundOf("clock", says);
}

/** @param until when it ends @param now both epoch ms */
export function certificateFinding(what: string, until: number, now: number): Finding {
  const told = new Date(until).toISOString();
  if (until < now)
    return troubleOf(
      what,
      `it ended ${told}: a start makes another server's certificate, muster tls rotate another authority, muster enroll NAME --again a device's`,
    );
  if (until < now + endsSoon)
    return troubleOf(what, `it ends ${told}, and should have been renewed by itself: start Muster, and see its log`);
  return soundOf(what, `good until ${told}`);
}

const usualPorts = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;

/** Whether a broker can be reached, as far as that is seen without a login, which would push out who has it. @param ca trusted authorities, PEM */
export async function lookAtBroker(url: string, ca: string | undefined): Promise<Finding> {
  const { protocol, host, port = usualPorts[protocol] } = parseBrokerUrl(url);
  const place = `${host}:${port}`;
  const isTls = protocol === "mqtts" || protocol === "wss";
  const failed = await reach(host, port, isTls ? { ca } : undefined);
  if (!failed) return soundOf("broker", `${place} can be reached`);
  const why = certificateTrouble(failed, Date.now()) ?? adviceFor(failed, host);
  return troubleOf("broker", `${place}: ${why}`);
}

/** Connects and leaves. @returns why it could not */
export function reach(
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
    socket.setTimeout(lookPatience, () => end(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" })));
    socket.once(tls ? "secureConnect" : "connect", () => end());
    socket.once("error", end);
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

function timeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
