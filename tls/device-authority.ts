import { X509Certificate, type KeyObject } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { asideName } from "#disk/aside";
import { replaceFile } from "#disk/durable-file";
import { secretDirectory, secretFile } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { check } from "#shared/messages/payload-schema";
import { assertPair } from "./authority.ts";
import type { KeyPair } from "./issuing.ts";
import { authoritySpan } from "./spans.ts";

export interface DeviceAuthorityOptions {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** A certificate that was just made. */
export interface IssuedToDevice {
  /** As PEM. */
  readonly pem: string;
  /** As Node and OpenSSL write it: hexadecimal digits, in capitals. */
  readonly serial: string;
  /** Epoch ms. */
  readonly expires: number;
}

const kept = z.object({ v: z.literal(1), key: z.string(), cert: z.string() });
const fileName = "devices.json";

/**
 * The authority of devices' certificates, beside that of servers: nobody but the broker's doors trusts it, and these trust no other. So a
 * device whose id is a host's name cannot be a server to anybody, a server's certificate logs nobody in, and the one authority is rotated
 * without the other.
 */
export class DeviceAuthority {
  readonly #options: DeviceAuthorityOptions;
  #pair: KeyPair | undefined;

  constructor(options: DeviceAuthorityOptions) {
    this.#options = options;
  }

  /** Reads it, or makes it. @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(): Promise<void> {
    const { directory, clock, log } = this.#options;
    const path = join(directory, fileName);
    secretDirectory(directory);
    this.#pair = this.#read(path);
    if (this.#pair) return;
    const { makeAuthority } = await import("./issuing.ts");
    const pair = await makeAuthority(authoritySpan(clock.now()), "Muster devices");
    replaceFile(path, `${JSON.stringify({ v: 1, ...pair }, undefined, 1)}\n`);
    this.#pair = pair;
    log.info({}, "made an authority for devices' certificates");
  }

  /** What a broker's door is to trust, as PEM. */
  get certificate(): string {
    return this.#signing.cert;
  }

  /** @param life milliseconds; it does not outlive the authority */
  async issue(device: string, publicKey: KeyObject, life: number): Promise<IssuedToDevice> {
    const { issueDevice } = await import("./issuing.ts");
    const signing = this.#signing;
    const end = Date.parse(new X509Certificate(signing.cert).validTo);
    const until = Math.min(this.#options.clock.now() + life, end);
    const pem = await issueDevice(signing, device, publicKey, until);
    const made = new X509Certificate(pem);
    return { pem, serial: made.serialNumber, expires: Date.parse(made.validTo) };
  }

  /** The certificates of these serial numbers as a list that a broker's door can be given, as PEM. */
  async revocations(serials: readonly string[]): Promise<string> {
    const { issueRevocations } = await import("./issuing.ts");
    return issueRevocations(this.#signing, serials);
  }

  #read(path: string): KeyPair | undefined {
    if (!existsSync(path)) return undefined;
    secretFile(path);
    try {
      return read(path);
    } catch (thrown) {
      const { clock, log } = this.#options;
      const aside = asideName(path, Math.round(clock.now()));
      renameSync(path, aside);
      log.error(
        { err: asError(thrown), aside },
        `${path} is damaged and was set aside: devices with a certificate are not let in. Put the file back from a backup, or enrol them again`,
      );
      return undefined;
    }
  }

  get #signing(): KeyPair {
    if (!this.#pair) throw new Error("the devices' authority is not started");
    return this.#pair;
  }
}

/** @throws Error where it does not read */
function read(path: string): KeyPair {
  const { key, cert } = check(kept, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path);
  assertPair({ key, cert });
  return { key, cert };
}
