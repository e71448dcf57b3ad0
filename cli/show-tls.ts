import { closeSync, openSync } from "node:fs";
import { counted } from "#shared/counted";
import { ApiError } from "#api/api-errors";
import type { Client, DevicesTlsDocument, TlsDocument } from "#api/client";
import { readBounded } from "#shared/bounded-read";
import { asError, BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";

/** Where the private authority stands, for people. */
export async function showTls(client: Client): Promise<string> {
  const devices = await client.getDevicesTls().then(describeDevices, (thrown: unknown) => {
    // A console of before does not have it, nor one that gives devices no certificates.
    if (thrown instanceof ApiError && (thrown.status === 400 || thrown.status === 404)) return undefined;
    throw thrown;
  });
  return [describe(await client.getTls()), ...(devices === undefined ? [] : [devices])].join("\n\n");
}

/** The same of the authority of devices' certificates alone. */
export async function showDevicesTls(client: Client): Promise<string> {
  return describeDevices(await client.getDevicesTls());
}

/** Begins a rotation of that one. */
export async function rotateDevicesAuthority(client: Client): Promise<string> {
  return describeDevices(await client.rotateDevicesTls());
}

/** Ends it. */
export async function finishDevicesRotation(client: Client, leaveBehind = false): Promise<string> {
  return describeDevices(await client.finishDevicesTls({ leaveBehind }));
}

/** Begins a rotation. */
export async function rotateAuthority(client: Client): Promise<string> {
  return describe(await client.rotateTls({ authority: "new" }));
}

/** Begins a rotation to an authority of somebody's own. @throws BadInputError where a file does not read */
export async function importAuthority(
  client: Client,
  files: { readonly cert: string; readonly key: string },
): Promise<string> {
  return describe(await client.rotateTls({ authority: { cert: read(files.cert), key: read(files.key) } }));
}

/** Ends a rotation. */
export async function finishRotation(client: Client, leaveBehind = false): Promise<string> {
  return describe(await client.finishTls({ leaveBehind }));
}

function describe({ present, next, have, lacking, lackingCount, silent }: TlsDocument): string {
  const lines = [
    `CA        ${forTerminal(present.name)}, until ${date(present.until)}`,
    `          SHA-256 ${present.fingerprint}`,
  ];
  const others =
    silent > 0
      ? `; ${counted(silent, "device does", "devices do")} not say, as those without an agent or without --ca`
      : "";
  if (!next) return [...lines, `agents    ${have} trust it${others}`].join("\n");
  const more = lackingCount > lacking.length ? ", …" : "";
  return [
    ...lines,
    `next      ${forTerminal(next.name)}, until ${date(next.until)}; both are trusted since ${date(next.since)}`,
    `          SHA-256 ${next.fingerprint}`,
    `agents    ${have} trust the next one${others}`,
    ...(lackingCount > 0
      ? [`lacking   ${lackingCount}: ${lacking.map((id) => forTerminal(id)).join(", ")}${more}`]
      : []),
    lackingCount > 0
      ? "They take it when they are online. Then: muster tls rotate --finish"
      : "Give tools the new ca.crt, then: muster tls rotate --finish",
  ].join("\n");
}

function describeDevices({ present, before, have, lacking, lackingCount }: DevicesTlsDocument): string {
  const lines = [
    `devices   ${forTerminal(present.name)}, until ${date(present.until)}: signs devices' certificates`,
    `          SHA-256 ${present.fingerprint}`,
  ];
  if (!before) return [...lines, `          ${counted(have, "device has", "devices have")} one`].join("\n");
  const more = lackingCount > lacking.length ? ", …" : "";
  return [
    ...lines,
    `before    ${forTerminal(before.name)}, until ${date(before.until)}; both are trusted since ${date(before.since)}`,
    `renewed   ${have}`,
    ...(lackingCount > 0
      ? [`lacking   ${lackingCount}: ${lacking.map((id) => forTerminal(id)).join(", ")}${more}`]
      : []),
    `${lackingCount > 0 ? "They renew when they are online. Then" : "Every device has renewed. Now"}: muster tls rotate --devices --finish`,
  ].join("\n");
}

function date(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Bytes of a file of PEM: a certificate or a key has some thousand. */
export const maxPemBytes = 32 * 1024;

function read(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = readBounded(file, maxPemBytes);
      if (bytes.length > maxPemBytes) throw new Error(`expected at most ${maxPemBytes} bytes`);
      return bytes.toString("utf8");
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    throw new BadInputError(`${path} cannot be read: ${asError(thrown).message}`);
  }
}
