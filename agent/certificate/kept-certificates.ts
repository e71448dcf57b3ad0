import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate, type KeyObject } from "node:crypto";
import { rmSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { systemDisk, type Disk } from "#disk/calls";
import { replaceFile, syncDirectory } from "#disk/durable-file";
import { secretDirectory } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { BadInputError, EnvironmentError, asError, errorCode } from "#shared/errors";
import type { ToldCertificate } from "#shared/messages/certificate-messages";
import { check } from "#shared/messages/payload-schema";
import { certificatePorts, type CertificatePorts } from "#shared/messages/presence-messages";

const certificate = z.object({
  /** The private key, as PEM. */
  key: z.string(),
  pem: z.string(),
  /** When another one is to be asked for: epoch ms, by the console's clock. */
  due: z.number(),
});
type Own = z.output<typeof certificate>;
const file = z.object({
  v: z.literal(1),
  /** With which this agent has connected. */
  current: z.optional(certificate),
  /** A key for which a certificate was asked, and that where it has come: {@link current} stays until it has connected with it. */
  next: z.optional(z.object({ key: z.string(), pem: z.optional(z.string()), due: z.optional(z.number()) })),
  /** As the console has told them last. */
  ports: z.optional(certificatePorts),
});
type Kept = z.output<typeof file>;

/** The part of what is left after {@link ToldCertificate.renew} over which a fleet that was enrolled at once spreads its renewals. */
const spread = 0.25;

export interface KeptCertificatesOptions {
  /** The agent's directory. */
  readonly directory: string;
  readonly disk?: Disk;
  /** 0 ≤ n < 1. */
  readonly random?: () => number;
}

/**
 * The certificates by which this agent logs in, and their keys, in one file: whatever step a kill comes after, one of them is good.
 *
 * nothing ─ prepare ─► a key ─ accept ─► a key and its certificate, beside the one of before ─ connected with it ─► alone
 */
export class KeptCertificates {
  readonly #directory: string;
  readonly #path: string;
  readonly #disk: Disk;
  readonly #random: () => number;
  #kept: Kept = { v: 1 };
  /** Which of the two is tried. */
  #isNextTried = true;
  /** On the present connection, or the last one. */
  #shown: Own | undefined;

  constructor({ directory, disk = systemDisk, random = Math.random }: KeptCertificatesOptions) {
    this.#directory = directory;
    this.#path = join(directory, "certificate.json");
    this.#disk = disk;
    this.#random = random;
  }

  /** Reads what is kept. @throws EnvironmentError where that does not read: it is this device's identity */
  start(): void {
    try {
      this.#kept = check(
        file,
        JSON.parse(readRegularFile(this.#path, maxSmallFileBytes).toString("utf8")),
        "certificate.json",
      );
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return;
      throw new EnvironmentError(
        `${this.#path} does not read (${asError(cause).message}), and is who this device is: remove it, and enrol the device again (muster enroll NAME --again --certificate)`,
        { cause },
      );
    }
  }

  /** What to show to the broker on the connection that is tried now; undefined where there is no certificate. */
  show(): { readonly key: string; readonly cert: string } | undefined {
    const own = (this.#shown = this.#nextShown);
    return own && { key: own.key, cert: own.pem };
  }

  /** Of the one that was shown last. */
  get serial(): string | undefined {
    return this.#shown && new X509Certificate(this.#shown.pem).serialNumber;
  }

  /** Until when that is good (epoch ms). */
  get expires(): number | undefined {
    return this.#shown && Date.parse(new X509Certificate(this.#shown.pem).validTo);
  }

  /** Whether another is to be asked for. @param now by the console's clock */
  isDue(now: number): boolean {
    return this.#waiting === undefined && this.#kept.current !== undefined && now >= this.#kept.current.due;
  }

  /** Whether there is one that no connection has been made with, and another is used meanwhile. */
  get isBehind(): boolean {
    return this.#waiting !== undefined && !this.#isNextTried;
  }

  /** The console would have this one renewed now, whenever it is due. @returns whether it is the present one, and no other waits */
  hasten(pem: string): boolean {
    const { current } = this.#kept;
    if (current?.pem !== pem || this.#waiting) return false;
    // Not on the disk: after a restart it is told again.
    this.#kept = { ...this.#kept, current: { ...current, due: 0 } };
    return true;
  }

  /** Where brokers take it, as the console has told; undefined where it has not. */
  get ports(): CertificatePorts | undefined {
    return this.#kept.ports;
  }

  /** Keeps where brokers take it: a device that is off when the broker changes has to find the new one. @throws the system's error */
  learnPorts(ports: CertificatePorts): void {
    const known = this.#kept.ports;
    if (known?.muster === ports.muster && known.mosquitto === ports.mosquitto) return;
    this.#write({ ...this.#kept, ports });
  }

  /** A key to ask a certificate for: the same until one has come, so that asking twice is asking once. @throws the system's error */
  prepare(): KeyObject {
    if (this.#kept.next) return createPrivateKey(this.#kept.next.key);
    const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    this.#write({ ...this.#kept, next: { key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() } });
    return privateKey;
  }

  /**
   * Takes the certificate for the key that was prepared: it is shown from the next connection on.
   * @returns whether it is news @throws BadInputError where it is another key's; the system's error where it cannot be kept
   */
  accept({ pem, renew }: ToldCertificate): boolean {
    const { next } = this.#kept;
    if (!next || next.pem === pem) return false;
    const made = readCertificate(pem);
    if (!made.publicKey.equals(createPublicKey(next.key)))
      throw new BadInputError("it is the certificate of another key");
    const left = Math.max(0, Date.parse(made.validTo) - renew);
    const due = Math.round(renew + left * spread * this.#random());
    this.#write({ ...this.#kept, next: { key: next.key, pem, due } });
    this.#isNextTried = true;
    return true;
  }

  /** A connection has not come about with the one that was shown: where there are two it is the other one's turn. */
  failed(): void {
    if (this.#kept.current && this.#waiting) this.#isNextTried = !this.#isNextTried;
  }

  /** The next connection is to be tried with the newer one. */
  retry(): void {
    this.#isNextTried = true;
  }

  /** The broker has let in the one that was shown. Where that is the newer one, the other goes. @throws the system's error */
  connected(): void {
    const used = this.#waiting;
    if (used && this.#shown?.pem === used.pem) this.#write({ ...this.#kept, current: used, next: undefined });
  }

  /** Lets go of everything: this device has a secret. */
  clear(): void {
    rmSync(this.#path, { force: true });
    syncDirectory(this.#directory);
    this.#kept = { v: 1 };
  }

  get #waiting(): Own | undefined {
    const { next } = this.#kept;
    if (next?.pem === undefined) return undefined;
    return { key: next.key, pem: next.pem, due: next.due ?? 0 };
  }

  get #nextShown(): Own | undefined {
    const waiting = this.#waiting;
    return waiting && (this.#isNextTried || !this.#kept.current) ? waiting : this.#kept.current;
  }

  #write(kept: Kept): void {
    secretDirectory(this.#directory);
    replaceFile(this.#path, `${JSON.stringify(kept, null, 1)}\n`, this.#disk);
    this.#kept = kept;
  }
}

function readCertificate(pem: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw new BadInputError("it is no certificate", { cause });
  }
}
