import { statSync, watch, type FSWatcher } from "node:fs";
import { dirname } from "node:path";
import { createSecureContext } from "node:tls";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError, EnvironmentError } from "#shared/errors";
import type { Log } from "#shared/log";
import { certificatesIn } from "#shared/pinned-ca";
import { Signal } from "#shared/signal";
import type { IdentitySource, ServerIdentity } from "#shared/tls-door";
import { assertPair } from "./authority.ts";

export interface OwnCertificateOptions {
  /** Files of PEM: the certificate with its chain, and its key. They may be links that are set to other files. */
  readonly cert: string;
  readonly key: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Milliseconds from the last sign of a change until the files are read: whoever renews writes several. */
export const settleTime = 1_000;
/** Between two looks without any: a file system of another machine tells of nothing, and an end draws near without a change. */
export const lookAnywayEvery = 600_000;
/** Left of a certificate when it is said that nobody has renewed it. */
export const warnBefore = 14 * 86_400_000;

/** A certificate that somebody else makes and renews, as certbot: read anew whenever its files change. */
export class OwnCertificate implements IdentitySource {
  readonly #options: OwnCertificateOptions;
  #identity: ServerIdentity | undefined;
  #watchers: FSWatcher[] = [];
  #cancelLook: () => void = () => {};
  #cancelSettle: (() => void) | undefined;
  /** What was told last, so that the same is not told with each look. */
  #told: string | undefined;
  readonly changes = new Signal<void>();

  constructor(options: OwnCertificateOptions) {
    this.#options = options;
  }

  /** @throws EnvironmentError where the two files are no certificate with its key */
  start(): void {
    try {
      this.#identity = this.#read();
    } catch (thrown) {
      const { cert, key } = this.#options;
      throw new EnvironmentError(
        `MUSTER_TLS_CERT and MUSTER_TLS_KEY name ${cert} and ${key}: ${asError(thrown).message}`,
      );
    }
    // The directories: a link that is set to another file says nothing to who watches the file.
    const directories = new Set([dirname(this.#options.cert), dirname(this.#options.key)]);
    for (const directory of directories) this.#watch(directory);
    this.#schedule();
    this.#warnOfEnd();
  }

  stop(): void {
    this.#cancelLook();
    this.#cancelSettle?.();
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  current(): ServerIdentity {
    if (!this.#identity) throw new Error("the certificate is not started");
    return this.#identity;
  }

  #watch(directory: string): void {
    try {
      const watcher = watch(directory, { persistent: false }, () => this.#settle());
      watcher.on("error", () => watcher.close());
      this.#watchers.push(watcher);
    } catch (thrown) {
      this.#options.log.warn(
        { directory, err: asError(thrown) },
        `changes of the certificate are not heard at once: it is looked at every ${lookAnywayEvery / 60_000} minutes`,
      );
    }
  }

  #settle(): void {
    this.#cancelSettle?.();
    this.#cancelSettle = this.#options.clock.after(settleTime, () => this.#look());
  }

  #schedule(): void {
    this.#cancelLook = this.#options.clock.after(lookAnywayEvery, () => {
      this.#schedule();
      this.#look();
    });
  }

  /** A half-written pair is none: the one of before is shown until both halves are there. */
  #look(): void {
    try {
      const next = this.#read();
      if (next.cert !== this.#identity?.cert || next.key !== this.#identity.key) {
        this.#identity = next;
        this.#tell("info", `the certificate was read anew: it is good until ${certificatesIn(next.cert)[0]?.validTo}`);
        this.changes.emit();
      }
      this.#warnOfEnd();
    } catch (thrown) {
      this.#tell(
        "warn",
        `the certificate's files do not fit, and the one of before is shown: ${asError(thrown).message}`,
      );
    }
  }

  #warnOfEnd(): void {
    const until = certificatesIn(this.current().cert)[0]?.validTo ?? "";
    if (Date.parse(until) - this.#options.clock.now() < warnBefore)
      this.#tell("warn", `the certificate ends at ${until}, and nobody has renewed it`);
  }

  #tell(level: "info" | "warn", message: string): void {
    if (this.#told === message) return;
    this.#told = message;
    const { cert, key, log } = this.#options;
    log[level]({ cert, key }, message);
  }

  #read(): ServerIdentity {
    const { cert, key } = this.#options;
    const identity = { cert: read(cert), key: read(key) };
    assertPair(identity);
    // What is too weak for OpenSSL is a certificate with its key all the same, until it is to be shown.
    createSecureContext(identity);
    return identity;
  }
}

function read(path: string): string {
  // Its own error names the path; what the system says of a directory on the way may not.
  statSync(path);
  return readRegularFile(path, maxSmallFileBytes).toString("utf8");
}
