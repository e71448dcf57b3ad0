import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { replaceFile } from "#disk/durable-file";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError, BadInputError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { Signal } from "#shared/signal";
import { maxCertificateCharacters, type Authorities } from "#shared/messages/authorities-message";
import { check, epochMs } from "#shared/messages/payload-schema";
import * as z from "zod/mini";
import { certificatesIn, fingerprintOf } from "#shared/pinned-ca";
import type { AuthorityFacts, PrivateAuthority } from "#shared/private-authority";
import { AuthorityFile } from "./authority-file.ts";
import type { KeyPair } from "./issuing.ts";
import { authoritySpan, serverLife } from "./spans.ts";

export interface AuthorityOptions {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

const keyPair = z.object({ key: z.string(), cert: z.string() });
const document = z.object({
  v: z.literal(1),
  signing: keyPair,
  /** The one that takes over, with the present one's word for it. */
  next: z.optional(z.object({ ...keyPair.shape, vouched: z.string(), since: epochMs })),
});
type Kept = z.infer<typeof document>;

/** What others are given to trust. It follows from what is kept, and is written anew where it differs. */
const publicName = "ca.crt";

/**
 * The private authority of an installation: made once, and kept. Whoever has its certificate can tell this Muster from everybody who
 * says that he was; whoever has its key can be this Muster.
 */
export class Authority implements PrivateAuthority {
  readonly #options: AuthorityOptions;
  readonly #file: AuthorityFile<Kept>;
  /** What is trusted has changed. */
  readonly changes = new Signal<void>();

  constructor(options: AuthorityOptions) {
    const { log } = options;
    this.#options = options;
    this.#file = new AuthorityFile({
      ...options,
      name: "authority.json",
      what: "the authority",
      whenDamaged: `another authority is made, which no agent trusts. Put the file back from a backup, or give every agent the new ${publicName}`,
      parse,
      heard: () => {
        log.info({ fingerprint: this.fingerprint }, "another process has rotated the certificate authority");
        this.changes.emit();
      },
    });
  }

  /** Reads what there is, or makes it. @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(): Promise<void> {
    const { clock, log } = this.#options;
    const isMade = await this.#file.start(async () => {
      const { makeAuthority } = await import("./issuing.ts");
      return { v: 1, signing: await makeAuthority(authoritySpan(clock.now())) };
    });
    if (isMade) log.info({ fingerprint: this.fingerprint }, "made a private certificate authority");
    this.#publish();
  }

  /** Does nothing any more by itself. */
  stop(): void {
    this.#file.stop();
  }

  /** Signs what is issued. */
  get signing(): KeyPair {
    return this.#file.state.signing;
  }

  get present(): AuthorityFacts {
    return factsOf(this.signing.cert);
  }

  get next(): (AuthorityFacts & { readonly since: number }) | undefined {
    const { next } = this.#file.state;
    return next && { ...factsOf(next.cert), since: next.since };
  }

  get announcement(): Authorities {
    const { signing, next } = this.#file.state;
    return {
      v: 1,
      trusted: [signing, ...(next ? [next] : [])].map(({ cert }) => cert),
      vouched: next ? [next.vouched] : [],
    };
  }

  /** The certificates of all that are trusted, as PEM. */
  caBundle(): string {
    return this.announcement.trusted.join("");
  }

  /** SHA-256 of the certificate that signs, in hexadecimal digits. */
  get fingerprint(): string {
    return this.present.fingerprint;
  }

  async rotate(brought?: KeyPair): Promise<void> {
    const { signing, next } = this.#file.state;
    if (next)
      throw new BadInputError(
        `a rotation has begun already, to ${factsOf(next.cert).name}: end it with muster tls rotate --finish`,
      );
    const { makeAuthority, crossSign } = await import("./issuing.ts");
    const now = this.#options.clock.now();
    const { key, cert } = brought ? readBrought(brought, now) : await makeAuthority(authoritySpan(now));
    this.#change({
      v: 1,
      signing,
      next: { key, cert, vouched: await crossSign(cert, signing), since: Math.round(now) },
    });
  }

  finish(): void {
    const { next } = this.#file.state;
    if (!next) throw new BadInputError("no rotation has begun: muster tls rotate begins one");
    this.#change({ v: 1, signing: { key: next.key, cert: next.cert } });
  }

  #change(kept: Kept): void {
    this.#file.keep(kept);
    this.#publish();
    this.changes.emit();
  }

  #publish(): void {
    const path = join(this.#options.directory, publicName);
    const bundle = this.caBundle();
    if (existsSync(path) && readRegularFile(path, maxSmallFileBytes).toString("utf8") === bundle) return;
    replaceFile(path, bundle);
  }
}

/** @throws Error where it is damaged */
function parse(value: unknown, path: string): Kept {
  const kept = check(document, value, path);
  assertPair(kept.signing);
  if (kept.next) assertPair(kept.next);
  return kept;
}

/** What is shown of an authority of which this is the certificate, as PEM. */
export function factsOf(pem: string): AuthorityFacts {
  const certificate = new X509Certificate(pem);
  const name = /^CN=(.*)$/m.exec(certificate.subject)?.[1] ?? certificate.subject.replaceAll("\n", ", ");
  return { fingerprint: fingerprintOf(certificate), name, until: Date.parse(certificate.validTo) };
}

/** An authority of somebody's own. @throws BadInputError that says why it is none */
function readBrought({ key, cert }: KeyPair, now: number): KeyPair {
  try {
    const [certificate, ...more] = certificatesIn(cert);
    if (!certificate || more.length > 0) throw new Error("expected one certificate as PEM");
    assertPair({ key, cert });
    if (!certificate.ca) throw new Error("expected the certificate of an authority (CA:TRUE)");
    if (!certificate.verify(certificate.publicKey))
      throw new Error("expected an authority that has signed itself: agents trust it alone, without one above it");
    if (Date.parse(certificate.validTo) < now + serverLife)
      throw new Error(`expected one that is good for longer, got one that ends at ${certificate.validTo}`);
    const pem = `${certificate.toString().trim()}\n`;
    if (pem.length > maxCertificateCharacters)
      throw new Error(`expected at most ${maxCertificateCharacters} characters`);
    return { key: createPrivateKey(key).export({ type: "pkcs8", format: "pem" }).toString(), cert: pem };
  } catch (thrown) {
    throw new BadInputError(`the authority cannot be taken: ${asError(thrown).message}`);
  }
}

/** @throws Error where the key is another certificate's */
export function assertPair({ key, cert }: KeyPair): void {
  const [first] = certificatesIn(cert);
  if (first === undefined) throw new EnvironmentError("there is no certificate");
  if (!first.checkPrivateKey(createPrivateKey(key)))
    throw new EnvironmentError("the key is not that of the certificate");
}
