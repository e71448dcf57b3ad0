import { X509Certificate, type KeyObject } from "node:crypto";
import * as z from "zod/mini";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { Log } from "#shared/log";
import { check, epochMs } from "#shared/messages/payload-schema";
import type { AuthorityFacts, DevicesAuthority, IssuedToDevice } from "#shared/private-authority";
import { Signal } from "#shared/signal";
import { assertPair, factsOf } from "./authority.ts";
import { AuthorityFile } from "./authority-file.ts";
import { authoritySpan } from "./spans.ts";

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

/**
 * The authority of devices' certificates, beside that of servers: nobody but the broker's doors trusts it, and these trust no other. So a
 * device whose id is a host's name cannot be a server to anybody, a server's certificate logs nobody in, and the one authority is rotated
 * without the other. Devices do not check each other's certificates: a new authority signs at once, and the doors trust both meanwhile.
 */
export class DeviceAuthority implements DevicesAuthority {
  readonly #options: DeviceAuthorityOptions;
  readonly #file: AuthorityFile<Kept>;
  readonly changes = new Signal<void>();

  constructor(options: DeviceAuthorityOptions) {
    const { log } = options;
    this.#options = options;
    this.#file = new AuthorityFile({
      ...options,
      name: "devices.json",
      what: "the devices' authority",
      whenDamaged: "devices with a certificate are not let in. Put the file back from a backup, or enrol them again",
      parse,
      heard: () => {
        log.info({ fingerprint: this.present.fingerprint }, "another process has rotated the devices' authority");
        this.changes.emit();
      },
    });
  }

  /** Reads it, or makes it. @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const isMade = await this.#file.start(async () => {
      const { makeAuthority } = await import("./issuing.ts");
      return { v: 1, ...(await makeAuthority(authoritySpan(clock.now()), called)) };
    });
    if (isMade) log.info({}, "made an authority for devices' certificates");
  }

  /** Does nothing any more by itself. */
  stop(): void {
    this.#file.stop();
  }

  get present(): AuthorityFacts {
    return factsOf(this.#file.state.cert);
  }

  get before(): (AuthorityFacts & { readonly since: number }) | undefined {
    const { before } = this.#file.state;
    return before && { ...factsOf(before.cert), since: before.since };
  }

  /** What a broker's door is to trust, as PEM. */
  current(): string {
    const { cert, before } = this.#file.state;
    return cert + (before?.cert ?? "");
  }

  async issue(device: string, publicKey: KeyObject, life: number): Promise<IssuedToDevice> {
    const { issueDevice } = await import("./issuing.ts");
    const signing = this.#file.state;
    const { until: end, fingerprint: authority } = factsOf(signing.cert);
    const pem = await issueDevice(signing, device, publicKey, Math.min(this.#options.clock.now() + life, end));
    const made = new X509Certificate(pem);
    return { pem, serial: made.serialNumber, expires: Date.parse(made.validTo), authority };
  }

  /** The certificates of these serial numbers as lists that a broker's door can be given, one of each authority, as PEM. */
  async revocations(serials: readonly string[]): Promise<string> {
    const { issueRevocations } = await import("./issuing.ts");
    const { before, ...present } = this.#file.state;
    const lists = [present, ...(before ? [before] : [])].map((authority) => issueRevocations(authority, serials));
    return (await Promise.all(lists)).join("");
  }

  async rotate(): Promise<void> {
    if (this.#file.state.before)
      throw new BadInputError(
        `a rotation has begun already, from ${factsOf(this.#file.state.before.cert).name}: end it with muster tls rotate --devices --finish`,
      );
    const { makeAuthority } = await import("./issuing.ts");
    const now = this.#options.clock.now();
    const next = await makeAuthority(authoritySpan(now), called);
    const { key, cert, before } = this.#file.state;
    // Two at once: the first has done it.
    if (before) return;
    this.#file.keep({ v: 1, ...next, before: { key, cert, since: Math.round(now) } });
    this.changes.emit();
  }

  finish(): void {
    const { before, ...present } = this.#file.state;
    if (!before) throw new BadInputError("no rotation has begun: muster tls rotate --devices begins one");
    this.#file.keep(present);
    this.changes.emit();
  }
}

const called = "Muster devices";

/** @throws Error where it does not read */
function parse(value: unknown, path: string): Kept {
  const kept = check(document, value, path);
  assertPair(kept);
  if (kept.before) assertPair(kept.before);
  return kept;
}
