import { join } from "node:path";
import type { X509Certificate } from "node:crypto";
import * as z from "zod/mini";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { asError, errorCode } from "#shared/errors";
import type { Log } from "#shared/log";
import { fingerprint, type Authorities } from "#shared/messages/authorities-message";
import { check } from "#shared/messages/payload-schema";
import { certificatesIn, fingerprintOf } from "#shared/pinned-ca";

export interface TrustedAuthoritiesOptions {
  /** The agent's; without it, what was learned lives as long as the process. */
  readonly directory: string | undefined;
  /** Those that the agent was given, as PEM; undefined where the system's are trusted. */
  readonly given: string | undefined;
  /** Whether the console has given them, by settings that may yet prove wrong: what became of the machine's own is not written over. */
  readonly areConfigured?: boolean | undefined;
  readonly log: Log;
  /** Others are trusted from now on. */
  readonly changed: () => void;
}

const learned = z.object({ v: z.literal(1), given: z.array(fingerprint), pem: z.string() });

/**
 * The authorities that the agent trusts, alone: those that it was given, and what became of these. A new one is taken on the word of one
 * that is trusted already; one that the console trusts no more is let go of once another is there.
 */
export class TrustedAuthorities {
  readonly #options: TrustedAuthoritiesOptions;
  readonly #given: readonly X509Certificate[];
  #trusted: readonly X509Certificate[];

  constructor(options: TrustedAuthoritiesOptions) {
    this.#options = options;
    this.#given = this.#trusted = certificatesIn(options.given ?? "");
  }

  /** Reads what was learned, unless the agent has been given other authorities since. */
  start(): void {
    const path = this.#path;
    if (path === undefined || this.#given.length === 0) return;
    try {
      const kept = check(learned, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path);
      const trusted = certificatesIn(kept.pem);
      if (String(kept.given) === String(this.#given.map(fingerprintOf)) && trusted.length > 0) this.#trusted = trusted;
    } catch (thrown) {
      if (errorCode(thrown) !== "ENOENT")
        this.#options.log.warn(
          { path, err: asError(thrown) },
          "the authorities of a rotation do not read: those that were given are trusted",
        );
    }
  }

  /** As PEM; undefined where the system's are trusted. */
  get pem(): string | undefined {
    return this.#given.length === 0 ? undefined : this.#trusted.map((one) => one.toString()).join("");
  }

  get fingerprints(): readonly string[] {
    return this.#trusted.map(fingerprintOf);
  }

  /** Takes the console's word about whom to trust, as far as it proves itself. */
  heard({ trusted: pems, vouched: words }: Authorities): void {
    const { log, changed } = this.#options;
    if (this.#given.length === 0) return;
    const offered = certificatesIn(pems.join("\n"));
    const vouched = certificatesIn(words.join("\n"));
    const taken = offered.filter((one) => this.#isKnown(one) || this.#isVouched(one, vouched));
    const refused = offered.filter((one) => !taken.includes(one));
    if (refused.length > 0)
      log.warn(
        { fingerprints: refused.map(fingerprintOf) },
        "the console names an authority that none of those vouches for which are trusted here: it is not taken; give the agent its file with MUSTER_CA",
      );
    // Who trusts nobody of those that are offered keeps what there is; and whoever was refused may be the one that the others are let go for.
    const kept = refused.length > 0 ? this.#trusted.filter((one) => !taken.some((other) => isSame(one, other))) : [];
    const next = [...kept, ...taken];
    if (next.length === 0 || String(next.map(fingerprintOf)) === String(this.fingerprints)) return;
    if (!this.#keep(next)) return;
    this.#trusted = next;
    log.info({ fingerprints: this.fingerprints }, "other authorities are trusted from now on");
    changed();
  }

  #isKnown(certificate: X509Certificate): boolean {
    return this.#trusted.some((one) => isSame(one, certificate));
  }

  /** Whether one that is trusted has signed its name with its key, as an authority's. */
  #isVouched(certificate: X509Certificate, vouched: readonly X509Certificate[]): boolean {
    return (
      certificate.ca &&
      certificate.verify(certificate.publicKey) &&
      vouched.some(
        (word) =>
          word.ca &&
          word.subject === certificate.subject &&
          word.publicKey.equals(certificate.publicKey) &&
          this.#trusted.some((one) => word.checkIssued(one) && word.verify(one.publicKey)),
      )
    );
  }

  get #path(): string | undefined {
    const { directory, areConfigured = false } = this.#options;
    const name = areConfigured ? "authorities-configured.json" : "authorities.json";
    return directory === undefined ? undefined : join(directory, name);
  }

  /** What a restart would undo is not taken: the console counts on what it is told. The word stays at the broker, and comes again. */
  #keep(trusted: readonly X509Certificate[]): boolean {
    const path = this.#path;
    if (path === undefined) return true;
    try {
      const pem = trusted.map((one) => one.toString()).join("");
      const kept: z.infer<typeof learned> = { v: 1, given: this.#given.map(fingerprintOf), pem };
      replaceFile(path, `${JSON.stringify(kept)}\n`);
      return true;
    } catch (thrown) {
      this.#options.log.error(
        { path, err: asError(thrown) },
        "other authorities cannot be kept, and are not taken yet",
      );
      return false;
    }
  }
}

function isSame(one: X509Certificate, other: X509Certificate): boolean {
  return one.fingerprint256 === other.fingerprint256;
}
