import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDiskFull } from "#disk/full-disk";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { systemClock as clock, type Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog, silentLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import { parseBrokerUrl } from "#shared/address";
import { readBundle } from "#shared/pinned-ca";
import type { CertificateSide, ChangedAccounts, MosquittoBooks } from "../../broker/mosquitto-books.ts";
import type { MosquittoSide } from "../../broker/mosquitto-side.ts";
import { certificateFiles } from "../../broker/mosquitto-tls.ts";
import { brokersPort } from "../../console/accounts/secrets.ts";
import { tlsDirectory } from "../../tls/paths.ts";
import type { Tls } from "./tls.ts";
import type { State } from "../../console/state/state.ts";

export interface MosquittoFiles {
  readonly directory: string;
  readonly byHand: string | undefined;
  /** Whose places are to be taken once more, when nobody can say CONNECT any more who has begun before. */
  readonly later: readonly string[];
  /** Of whom nothing is open any more that was opened before. */
  readonly ended: readonly string[];
}

/** Mosquitto's side of the accounts and of the table of rules, beside the data. */
export async function mosquittoSide(values: Settings): Promise<MosquittoSide> {
  const { data, root, mqttUrl } = values;
  const { MosquittoSide } = await import("../../broker/mosquitto-side.ts");
  const reach = (): { url: string; ca?: string } => ({
    url: mqttUrl === undefined ? `mqtt://127.0.0.1:${brokersPort(values)}` : parseBrokerUrl(mqttUrl).url,
    ...(values.ca === undefined ? {} : { ca: readBundle(values.ca) }),
  });
  const side = new MosquittoSide({ directory: join(data, "mosquitto"), root, clock, reach });
  side.start();
  return side;
}

/** @param changed whose connections there end, as the side has noted them @param told whether there is somebody who wants to hear of it */
export async function rewriteMosquittoFiles(
  side: MosquittoSide,
  state: State,
  changed?: ChangedAccounts,
  told = true,
  last?: ReadonlySet<string>,
): Promise<MosquittoFiles> {
  const { maxMosquittoDevices } = await import("../../broker/mosquitto-access.ts");
  const { reloadByHand } = await import("../../broker/mosquitto-reload.ts");
  await state.accounts.synced();
  const { dear, reload, stays, later, ended } = await side.write(() => booksOf(state), changed, last);
  if (told && dear.length > 0)
    process.stderr.write(
      `muster: not in Mosquitto's password file, because their secrets were not generated, or because they are limited to groups of more than ${maxMosquittoDevices} devices: ${dear.join(", ")}; give devices new ones with: npx muster enroll NAME --secret\n`,
    );
  const open =
    stays.length > 0
      ? `what these devices have open at Mosquitto with a certificate that has ended may stay open until they leave by themselves: ${stays.join(", ")}; restart Mosquitto to end it`
      : undefined;
  return { directory: side.directory, later, ended, byHand: told ? (reloadByHand(reload) ?? open) : undefined };
}

/** What Mosquitto is to know, as it is when it is asked for: another process may have changed it a moment ago. */
async function booksOf(state: State): Promise<() => MosquittoBooks> {
  const { directory, certificates } = state;
  const certified = isTakingCertificates(directory) ? await certificateSide(directory, certificates) : undefined;
  return () => booksWith(state, certified?.());
}

function booksWith(
  { accounts, mqttSecrets, groups: grouped }: State,
  certified: CertificateBooks | undefined,
): MosquittoBooks {
  // People log in there with a secret of few rounds, if they have one; programs have no other.
  const all = accounts.list().flatMap(({ name, role, hash, groups, certified: isCertified }) => {
    const own = role === "device" || role === "console" ? hash : mqttSecrets.hashOf(name);
    const devices = groups && [...new Set(groups.flatMap((group) => grouped.members(group)))];
    return own === undefined
      ? []
      : [{ name, role, hash: own, certified: isCertified, ...(devices ? { groups, devices } : {}) }];
  });
  return { accounts: all, certificates: certified?.side, version: JSON.stringify([all, certified?.version]) };
}

/** Whether `muster mosquitto` has given Mosquitto a listener for those who come by TLS. */
export function isMosquittoByTls(data: string): boolean {
  return tlsSettings(data) !== undefined;
}

function tlsSettings(data: string): string | undefined {
  const path = join(data, "mosquitto", "tls.conf");
  return existsSync(path) ? readRegularFile(path, maxSmallFileBytes).toString("utf8") : undefined;
}

/** Whether `muster mosquitto` has given Mosquitto a listener for devices with a certificate. */
export function isTakingCertificates(data: string): boolean {
  return tlsSettings(data)?.includes(certificateFiles.authorities) ?? false;
}

interface CertificateBooks {
  readonly side: CertificateSide;
  readonly version: string;
}

/** What Mosquitto is to know of devices' certificates, as it is when it is asked for: the authority is read anew, as another process may have changed it. */
async function certificateSide(data: string, certificates: State["certificates"]): Promise<() => CertificateBooks> {
  const { DeviceAuthority } = await import("../../tls/device-authority.ts");
  const devices = new DeviceAuthority({ directory: tlsDirectory(data), clock, log: silentLog });
  await devices.start();
  devices.stop();
  const [authorities, ended] = [devices.current(), certificates.endedSerials()];
  const list = JSON.stringify([authorities, ended]);
  const before = signed.get(certificates);
  const revoked = before?.list === list ? before.pem : await devices.revocations(ended);
  signed.set(certificates, { list, pem: revoked });
  const more = { [certificateFiles.authorities]: authorities, [certificateFiles.revoked]: revoked };
  return () => {
    const side = { shutOut: certificates.shutOut(), withEnded: certificates.withEnded(), more };
    return { side, version: JSON.stringify([list, side.shutOut]) };
  };
}

/** The newest list of certificates that have ended, and of which: each signing takes a while, and gives another list. */
const signed = new WeakMap<State["certificates"], { readonly list: string; readonly pem: string }>();

/** Milliseconds until it is seen whether a full disk has room for Mosquitto's files. */
const roomAskedEvery = 10_000;

/** Accounts that change while the console runs change at Mosquitto as well. @param deadlines by whose time a place is taken once more */
export async function keepMosquittoFiles(
  values: Settings,
  state: State,
  lifetime: Lifetime,
  tls?: Tls,
  deadlines: Clock = clock,
): Promise<void> {
  const log = createLog("console", values.logLevel);
  let cancelRetry = (): void => {};
  const side = await mosquittoSide(values);
  const { connectDeadline } = await import("../../broker/mosquitto-side.ts");
  let changed = new Map<string, Set<string>>();
  let last = new Set<string>();
  const cancelLater = new Set<() => void>();
  let writing: Promise<void> | undefined;
  let again = false;
  const write = async (): Promise<void> => {
    // Who is there by a certificate that is good has closed himself what was open under his name before.
    const ending = new Map([...changed].filter(([name]) => !state.brokerCopy.isIn(name)));
    const ends = last;
    [changed, last] = [new Map(), new Set()];
    const tellEnded = state.brokerCopy.ending([...ending.keys()]);
    try {
      const { byHand, later, ended } = await rewriteMosquittoFiles(side, state, ending, true, ends);
      if (later.length > 0) takeLater(later);
      tellEnded(ended);
      if (byHand !== undefined) log.warn({}, byHand);
    } catch (error) {
      for (const [name, hashes] of ending) changed.set(name, new Set([...hashes, ...(changed.get(name) ?? [])]));
      for (const name of ends) last.add(name);
      log.error({ err: asError(error) }, "Mosquitto's files do not have the newest accounts");
      if (isDiskFull(error)) cancelRetry = clock.after(roomAskedEvery, begin);
    }
    writing = undefined;
    if (again) begin();
  };
  const begin = (): void => {
    cancelRetry();
    again = writing !== undefined;
    writing ??= write();
  };
  const takeLater = (names: readonly string[]): void => {
    const cancel = deadlines.after(connectDeadline, () => {
      cancelLater.delete(cancel);
      for (const name of names) {
        side.note(changed, name);
        last.add(name);
      }
      begin();
    });
    cancelLater.add(cancel);
  };
  // Those of before do for now where there is no room.
  await rewriteMosquittoFiles(side, state).catch((thrown: unknown) => {
    if (!isDiskFull(thrown)) throw thrown;
    begin();
  });
  if (tls) await keepMosquittoTls(values, tls, lifetime);
  const end = state.accounts.changes.on(({ name, what }) => {
    if (what !== "account") return;
    side.note(changed, name);
    begin();
  });
  const endCertificates = state.certificates.changes.on(begin);
  // What has come while it is written is written after it.
  lifetime.add(
    state.brokerCopy.keptBy(async () => {
      await writing;
      await writing;
    }),
  );
  if (tls) lifetime.add(tls.devices.changes.on(begin));
  // Who is limited to groups has a line for each device in them.
  const endGroups = state.groups.changes.on(({ before, now }) => {
    const moved = new Set([...before, ...now]);
    if (state.accounts.people().some(({ groups }) => groups?.some((group) => moved.has(group)))) begin();
  });
  lifetime.add(async () => {
    end();
    endGroups();
    endCertificates();
    again = false;
    await writing;
    for (const cancel of cancelLater) cancel();
    cancelRetry();
  });
}

/** What Mosquitto shows to those who come by TLS, as it is now. */
export async function writeTlsOfMosquitto(values: Settings, { identity, authority }: Tls): Promise<void> {
  const { writeMosquittoTls } = await import("../../broker/mosquitto-tls.ts");
  const { data, listen, mqttsPort: port, certificatePort } = values;
  const directory = join(data, "mosquitto");
  writeMosquittoTls({
    directory,
    identity: identity.current(),
    bundle: authority?.caBundle() ?? identity.current().cert,
    listen,
    port,
    certificatePort,
  });
}

/** The same while the console runs, where `muster mosquitto` has written it once: a new certificate is Mosquitto's as well. */
async function keepMosquittoTls(values: Settings, { identity, authority }: Tls, lifetime: Lifetime): Promise<void> {
  const directory = join(values.data, "mosquitto");
  if (!isMosquittoByTls(values.data)) return;
  const { renewMosquittoTls } = await import("../../broker/mosquitto-tls.ts");
  const { reloadMosquitto, reloadByHand } = await import("../../broker/mosquitto-reload.ts");
  const log = createLog("console", values.logLevel);
  const renew = (): void => {
    try {
      renewMosquittoTls(directory, {
        identity: identity.current(),
        bundle: authority?.caBundle() ?? identity.current().cert,
      });
      const byHand = reloadByHand(reloadMosquitto(directory));
      if (byHand !== undefined) log.warn({}, byHand);
    } catch (error) {
      log.error({ err: asError(error) }, "Mosquitto does not have the newest certificate");
    }
  };
  renew();
  lifetime.add(identity.changes.on(renew));
  if (authority) lifetime.add(authority.changes.on(renew));
}
