import { X509Certificate, type KeyObject } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod/mini";
import { asideName } from "#disk/aside";
import { replaceFile } from "#disk/durable-file";
import { secretDirectory, secretFile } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import { check, epochMs } from "#shared/messages/payload-schema";
import type { AuthorityFacts, DevicesAuthority, IssuedToDevice } from "#shared/private-authority";
import { Signal } from "#shared/signal";
import { assertPair, factsOf } from "./authority.ts";
import { authoritySpan } from "./spans.ts";
import { watchDirectory } from "./watch-directory.ts";

export interface DeviceAuthorityOptions {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

const pair = { key: z.string(), cert: z.string() };
const document = z.object({
  v: z.literal(1),
  ...pair,
  /** In a rotation the one of before. With its key, because a broker asks for a list of what has ended that each authority has signed itself. */
  before: z.optional(z.object({ ...pair, since: epochMs })),
});
type Kept = z.infer<typeof document>;
/** Everything in one file, so that no kill leaves one authority without the other. */
const fileName = "devices.json";

/**
 * The authority of devices' certificates, beside that of servers: nobody but the broker's doors trusts it, and these trust no other. So a
 * device whose id is a host's name cannot be a server to anybody, a server's certificate logs nobody in, and the one authority is rotated
 * without the other. Devices do not check each other's certificates: a new authority signs at once, and the doors trust both meanwhile.
 */
export class DeviceAuthority implements DevicesAuthority {
  readonly #options: DeviceAuthorityOptions;
  #kept: Kept | undefined;
  #endWatch: () => void = () => {};
  readonly changes = new Signal<void>();

  constructor(options: DeviceAuthorityOptions) {
    this.#options = options;
  }

  /** Reads it, or makes it. @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(): Promise<void> {
    const { directory, clock, log } = this.#options;
    secretDirectory(directory);
    this.#kept = this.#read();
    if (!this.#kept) {
      const { makeAuthority } = await import("./issuing.ts");
      this.#keep({ v: 1, ...(await makeAuthority(authoritySpan(clock.now()), called)) });
      log.info({}, "made an authority for devices' certificates");
    }
    this.#endWatch = watchDirectory(directory, () => this.#look(), log);
  }

  /** Does nothing any more by itself. */
  stop(): void {
    this.#endWatch();
  }

  get present(): AuthorityFacts {
    return factsOf(this.#state.cert);
  }

  get before(): (AuthorityFacts & { readonly since: number }) | undefined {
    const { before } = this.#state;
    return before && { ...factsOf(before.cert), since: before.since };
  }

  /** What a broker's door is to trust, as PEM. */
  current(): string {
    const { cert, before } = this.#state;
    return cert + (before?.cert ?? "");
  }

  async issue(device: string, publicKey: KeyObject, life: number): Promise<IssuedToDevice> {
    const { issueDevice } = await import("./issuing.ts");
    const signing = this.#state;
    const { until: end, fingerprint: authority } = factsOf(signing.cert);
    const pem = await issueDevice(signing, device, publicKey, Math.min(this.#options.clock.now() + life, end));
    const made = new X509Certificate(pem);
    return { pem, serial: made.serialNumber, expires: Date.parse(made.validTo), authority };
  }

  /** The certificates of these serial numbers as lists that a broker's door can be given, one of each authority, as PEM. */
  async revocations(serials: readonly string[]): Promise<string> {
    const { issueRevocations } = await import("./issuing.ts");
    const { before, ...present } = this.#state;
    const lists = [present, ...(before ? [before] : [])].map((authority) => issueRevocations(authority, serials));
    return (await Promise.all(lists)).join("");
  }

  async rotate(): Promise<void> {
    if (this.#state.before)
      throw new BadInputError(
        `a rotation has begun already, from ${factsOf(this.#state.before.cert).name}: end it with muster tls rotate --devices --finish`,
      );
    const { makeAuthority } = await import("./issuing.ts");
    const now = this.#options.clock.now();
    const next = await makeAuthority(authoritySpan(now), called);
    const { key, cert, before } = this.#state;
    // Two at once: the first has done it.
    if (before) return;
    this.#keep({ v: 1, ...next, before: { key, cert, since: Math.round(now) } });
    this.changes.emit();
  }

  finish(): void {
    const { before, ...present } = this.#state;
    if (!before) throw new BadInputError("no rotation has begun: muster tls rotate --devices begins one");
    this.#keep(present);
    this.changes.emit();
  }

  #keep(kept: Kept): void {
    replaceFile(join(this.#options.directory, fileName), `${JSON.stringify(kept, undefined, 1)}\n`);
    this.#kept = kept;
  }

  /** Takes what another process has written; what does not read is left to that one, and to the next start. */
  #look(): void {
    const { directory, log } = this.#options;
    const path = join(directory, fileName);
    try {
      if (!existsSync(path)) return;
      secretFile(path);
      const kept = read(path);
      if (JSON.stringify(kept) === JSON.stringify(this.#kept)) return;
      this.#kept = kept;
    } catch (thrown) {
      return log.warn(
        { err: asError(thrown), path },
        "the devices' authority was changed by another process and does not read: the one before holds",
      );
    }
    log.info({ fingerprint: this.present.fingerprint }, "another process has rotated the devices' authority");
    this.changes.emit();
  }

  #read(): Kept | undefined {
    const { directory, clock, log } = this.#options;
    const path = join(directory, fileName);
    if (!existsSync(path)) return undefined;
    secretFile(path);
    try {
      return read(path);
    } catch (thrown) {
      const aside = asideName(path, Math.round(clock.now()));
      renameSync(path, aside);
      log.error(
        { err: asError(thrown), aside },
        `${path} is damaged and was set aside: devices with a certificate are not let in. Put the file back from a backup, or enrol them again`,
      );
      return undefined;
    }
  }

  get #state(): Kept {
    if (!this.#kept) throw new Error("the devices' authority is not started");
    return this.#kept;
  }
}

const called = "Muster devices";

/** @throws Error where it does not read */
function read(path: string): Kept {
  const kept = check(document, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path);
  assertPair(kept);
  if (kept.before) assertPair(kept.before);
  return kept;
}
