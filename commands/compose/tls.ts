import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { inUrl, isLoopbackHost } from "#shared/address";
import { systemClock as clock } from "#shared/clock";
import { SettingsError } from "#shared/errors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { IdentitySource } from "#shared/tls-door";
import type { Authority } from "../../tls/authority.ts";
import type { OwnCertificate } from "../../tls/own-certificate.ts";
import type { DeviceAuthority } from "../../tls/device-authority.ts";
import { bundlePath, tlsDirectory } from "../../tls/paths.ts";

/** What servers beyond loopback show, and whose word it is. */
export interface Tls {
  readonly identity: IdentitySource;
  /** The installation's own; undefined where somebody else makes the certificate. */
  readonly authority: Authority | undefined;
  /** Whether this process has something open beyond loopback. */
  readonly isServed: boolean;
  /** That of devices' certificates. */
  readonly devices: DeviceAuthority;
  /** The name to show to people for this machine. */
  readonly host: string;
}

/** What this machine is called, for people on other machines. */
function hostShown({ listen, hosts }: Settings): string {
  return hosts[0] ?? (listen === "0.0.0.0" || listen === "::" ? hostname() : listen);
}

/** @returns undefined where nothing is open beyond loopback, and never was @throws EnvironmentError where the directory cannot be used */
export async function openTls(values: Settings, lifetime: Lifetime): Promise<Tls | undefined> {
  const { listen, hosts, data, logLevel } = values;
  const isServed = !isLoopbackHost(listen);
  // Mosquitto may serve with what was made before, and agents may still be told of a rotation.
  if (!isServed && !existsSync(bundlePath(data))) return undefined;
  const common = { directory: tlsDirectory(data), clock, log: createLog("tls", logLevel) };
  const { DeviceAuthority } = await import("../../tls/device-authority.ts");
  const devices = new DeviceAuthority(common);
  await devices.start();
  lifetime.add(() => devices.stop());
  if (isServed && (values.tlsCert !== undefined || values.tlsKey !== undefined)) {
    const identity = await ownCertificate(values);
    lifetime.begin(identity);
    return { identity, authority: undefined, devices, isServed, host: hostShown(values) };
  }
  const { Authority } = await import("../../tls/authority.ts");
  const { ServerCertificate } = await import("../../tls/server-certificate.ts");
  const { machineNames } = await import("../../tls/machine-names.ts");
  const authority = new Authority(common);
  await authority.start();
  lifetime.add(() => authority.stop());
  const identity = new ServerCertificate({ ...common, authority, names: () => machineNames([...hosts, listen]) });
  await identity.start();
  lifetime.add(() => identity.stop());
  return { identity, authority, devices, isServed, host: hostShown(values) };
}

/** @throws SettingsError where one of the two is missing */
async function ownCertificate({ tlsCert: cert, tlsKey: key, logLevel }: Settings): Promise<OwnCertificate> {
  if (cert === undefined || key === undefined)
    throw new SettingsError(["a certificate of your own takes both MUSTER_TLS_CERT and MUSTER_TLS_KEY"]);
  const { OwnCertificate } = await import("../../tls/own-certificate.ts");
  return new OwnCertificate({ cert, key, clock, log: createLog("tls", logLevel) });
}

/** What is open to whom, and how others come to trust it: the lines of a start. */
export function opening(tls: Tls | undefined, values: Settings, ports: Opened): string[] {
  if (!tls?.isServed) return ["open to this machine alone"];
  const { authority, host } = tls;
  const { mqtts, http } = ports;
  const at = inUrl(host);
  return [
    `TLS, open to whoever reaches ${values.listen}:`,
    ...(http === undefined ? [] : [`  page     https://${at}:${http}`]),
    ...(mqtts === undefined ? [] : [`  broker   mqtts://${at}:${mqtts}, and wss://${at}:${mqtts}/mqtt`]),
    ...(authority ? trustLines(authority, host, values, ports) : [`  shows    the certificate in ${values.tlsCert}`]),
    ...plaintextLines(values),
  ];
}

function trustLines({ fingerprint }: Authority, host: string, { data }: Settings, { mqtts, http }: Opened): string[] {
  const bundle = bundlePath(data);
  return [
    `  CA       ${bundle}, SHA-256 ${fingerprint}`,
    ...(mqtts === undefined ? [] : [`  trust    mosquitto_pub --cafile ${bundle} -h ${host} -p ${mqtts} …`]),
    ...(http === undefined ? [] : [`           curl --cacert ${bundle} https://${inUrl(host)}:${http}/healthz`]),
  ];
}

function plaintextLines({ insecurePlaintext, listen, mqttPort }: Settings): string[] {
  if (!insecurePlaintext) return ["without TLS, open to this machine alone"];
  return [
    `Warning: --insecure-plaintext opens MQTT (port ${mqttPort}) and HTTP without TLS to whoever reaches ${listen}: everybody on the way reads passwords, and can change commands.`,
  ];
}

/** The ports that speak TLS. */
interface Opened {
  readonly mqtts?: number | undefined;
  readonly http?: number | undefined;
}
