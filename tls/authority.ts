import { createPrivateKey, X509Certificate } from "node:crypto";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { asideName } from "#disk/aside";
import { replaceFile } from "#disk/durable-file";
import { secretDirectory } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { Signal } from "#shared/signal";
import { check } from "#shared/messages/payload-schema";
import * as z from "zod/mini";
import { certificatesIn, fingerprintOf } from "#shared/pinned-ca";
import type { KeyPair } from "./issuing.ts";
import { authoritySpan } from "./spans.ts";

export interface AuthorityOptions {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly clock: Clock;
  readonly log: Log;
}

const keyPair = z.object({ key: z.string(), cert: z.string() });
const document = z.object({ v: z.literal(1), signing: keyPair });
type Kept = z.infer<typeof document>;

/** What is kept of it: everything in one file, so that no kill leaves a key with another's certificate. */
const fileName = "authority.json";
/** What others are given to trust. It follows from the file above, and is written anew where it differs. */
const publicName = "ca.crt";

/**
 * The private authority of an installation: made once, and kept. Whoever has its certificate can tell this Muster from everybody who
 * says that he was; whoever has its key can be this Muster.
 */
export class Authority {
  readonly #options: AuthorityOptions;
  #kept: Kept | undefined;
  /** What is trusted has changed. */
  readonly changes = new Signal<void>();

  constructor(options: AuthorityOptions) {
    this.#options = options;
  }

  /** Reads what there is, or makes it. @throws EnvironmentError where the directory is open to others or cannot be written */
  async start(): Promise<void> {
    const { directory, clock, log } = this.#options;
    secretDirectory(directory);
    this.#kept = this.#read();
    if (!this.#kept) {
      const { makeAuthority } = await import("./issuing.ts");
      this.#keep({ v: 1, signing: await makeAuthority(authoritySpan(clock.now())) });
      log.info({ fingerprint: this.fingerprint }, "made a private certificate authority");
    }
    this.#publish();
  }

  /** Does nothing any more by itself. */
  stop(): void {}

  /** Signs what is issued. */
  get signing(): KeyPair {
    if (!this.#kept) throw new Error("the authority is not started");
    return this.#kept.signing;
  }

  /** The certificates of all that are trusted, as PEM. */
  caBundle(): string {
    return this.signing.cert;
  }

  /** SHA-256 of the certificate that signs, in hexadecimal digits. */
  get fingerprint(): string {
    return fingerprintOf(new X509Certificate(this.signing.cert));
  }

  #read(): Kept | undefined {
    const { directory, clock, log } = this.#options;
    const path = join(directory, fileName);
    if (!existsSync(path)) return undefined;
    try {
      const kept = check(document, JSON.parse(readRegularFile(path, maxSmallFileBytes).toString("utf8")), path);
      assertPair(kept.signing);
      return kept;
    } catch (thrown) {
      const aside = asideName(path, Math.round(clock.now()));
      renameSync(path, aside);
      log.error(
        { err: asError(thrown), aside },
        `${path} is damaged and was set aside: another authority is made, which no agent trusts. Put the file back from a backup, or give every agent the new ${publicName}`,
      );
      return undefined;
    }
  }

  #keep(kept: Kept): void {
    replaceFile(join(this.#options.directory, fileName), `${JSON.stringify(kept, undefined, 1)}\n`);
    this.#kept = kept;
  }

  #publish(): void {
    const path = join(this.#options.directory, publicName);
    const bundle = this.caBundle();
    if (existsSync(path) && readRegularFile(path, maxSmallFileBytes).toString("utf8") === bundle) return;
    replaceFile(path, bundle);
  }
}

/** @throws Error where the key is another certificate's */
export function assertPair({ key, cert }: KeyPair): void {
  const [first] = certificatesIn(cert);
  if (first === undefined) throw new EnvironmentError("there is no certificate");
  if (!first.checkPrivateKey(createPrivateKey(key)))
    throw new EnvironmentError("the key is not that of the certificate");
}
