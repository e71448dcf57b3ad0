import { X509Certificate } from "node:crypto";
import { existsSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import { replaceFile } from "#disk/durable-file";
import { secretFile } from "#disk/private-files";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import type { Log } from "#shared/log";
import { certificatesIn } from "#shared/pinned-ca";
import { Signal } from "#shared/signal";
import type { IdentitySource, ServerIdentity } from "#shared/tls-door";
import { assertPair, type Authority } from "./authority.ts";
import { isDue } from "./spans.ts";

export interface ServerCertificateOptions {
  /** The data directory's `tls`. */
  readonly directory: string;
  readonly authority: Authority;
  /** By what this machine is reached, as it is at the moment. */
  readonly names: () => readonly string[];
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Milliseconds between two looks at whether another certificate is needed. Not a timer to the day of renewal: clocks are set, machines
 * sleep, and addresses come and go meanwhile.
 */
export const lookEvery = 3_600_000;

/** The key and the certificate, in one file: no kill leaves one of them with another's other half. Mosquitto takes it for both. */
const fileName = "server.pem";

/** The certificate that this machine's servers show: made by the authority, and made anew in time. */
export class ServerCertificate implements IdentitySource {
  readonly #options: ServerCertificateOptions;
  #identity: ServerIdentity | undefined;
  #cancelLook: () => void = () => {};
  #endListening: () => void = () => {};
  #renewing: Promise<void> | undefined;
  readonly changes = new Signal<void>();

  constructor(options: ServerCertificateOptions) {
    this.#options = options;
  }

  /** @throws EnvironmentError where it cannot be written */
  async start(): Promise<void> {
    this.#identity = this.#read();
    await this.renew();
    this.#endListening = this.#options.authority.changes.on(() => void this.#look());
    this.#schedule();
  }

  async stop(): Promise<void> {
    this.#cancelLook();
    this.#endListening();
    await this.#renewing;
  }

  current(): ServerIdentity {
    if (!this.#identity) throw new Error("the server's certificate is not started");
    return this.#identity;
  }

  get path(): string {
    return join(this.#options.directory, fileName);
  }

  /** What the certificate says, for people. */
  get certificate(): X509Certificate {
    return new X509Certificate(this.current().cert);
  }

  /** Makes another certificate, where one is due. @throws where it cannot be made or kept */
  async renew(): Promise<void> {
    const why = this.#whyDue();
    if (why === undefined) return;
    const { authority, names, clock, log } = this.#options;
    const { issueServer } = await import("./issuing.ts");
    const { key, cert } = await issueServer(authority.signing, names(), clock.now());
    replaceFile(this.path, key + cert);
    this.#identity = { key, cert };
    log.info({ until: this.certificate.validTo }, `made a server's certificate: ${why}`);
    this.changes.emit();
  }

  #schedule(): void {
    this.#cancelLook = this.#options.clock.after(lookEvery, () => {
      this.#schedule();
      void this.#look();
    });
  }

  /** One at a time; what fails is tried again with the next look. */
  async #look(): Promise<void> {
    await this.#renewing;
    this.#renewing = this.renew().catch((thrown: unknown) => {
      const until = this.#identity ? this.certificate.validTo : "there is none";
      this.#options.log.error(
        { err: asError(thrown), until },
        "no other server's certificate could be made; the one of before is used",
      );
    });
    await this.#renewing;
  }

  #whyDue(): string | undefined {
    if (!this.#identity) return "there was none";
    const { authority, names, clock } = this.#options;
    const { certificate } = this;
    const [signing] = certificatesIn(authority.signing.cert);
    if (!signing || !certificate.verify(signing.publicKey)) return "the authority is another one";
    const span = { notBefore: Date.parse(certificate.validFrom), notAfter: Date.parse(certificate.validTo) };
    if (isDue(span, clock.now())) return "the one of before is over soon";
    const missing = names().filter((name) => !isNamed(certificate, name));
    return missing.length > 0 ? `this machine is reached by ${missing.slice(0, 3).join(", ")} as well` : undefined;
  }

  #read(): ServerIdentity | undefined {
    if (!existsSync(this.path)) return undefined;
    secretFile(this.path);
    try {
      const text = readRegularFile(this.path, maxSmallFileBytes).toString("utf8");
      const key = /-----BEGIN PRIVATE KEY-----[\s\S]*?-----END PRIVATE KEY-----\n?/.exec(text)?.[0] ?? "";
      const identity = { key, cert: text.replace(key, "") };
      assertPair(identity);
      return identity;
    } catch (thrown) {
      this.#options.log.warn({ err: asError(thrown) }, `${this.path} does not read, and is made anew`);
      return undefined;
    }
  }
}

function isNamed(certificate: X509Certificate, name: string): boolean {
  return (isIP(name) > 0 ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined;
}
