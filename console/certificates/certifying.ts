import { createHash, type KeyObject } from "node:crypto";
import type { Clock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { checkKey, type ProvenKey } from "#shared/key-proof";
import type { ToldCertificate } from "#shared/messages/certificate-messages";
import type { DevicesAuthority } from "#shared/private-authority";
import type { Accounts } from "../accounts/accounts.ts";
import type { Audit } from "../audit/audit.ts";
import { renewalOf, type Certificate, type CertificateState } from "./certificate.ts";
import type { Certificates } from "./certificates.ts";

/** Certificates that one device may be issued in a day: it needs one in two months, and each stays in the books until it is over. */
export const maxCertificatesADay = 20;
const day = 86_400_000;

export interface CertifyingOptions {
  readonly certificates: Certificates;
  readonly accounts: Accounts;
  readonly audit: Pick<Audit, "record">;
  readonly clock: Clock;
  /** Undefined where there is no authority for devices. */
  readonly authority: Pick<DevicesAuthority, "issue" | "present" | "before"> | undefined;
  /** Milliseconds that a certificate is good for. */
  readonly life: number;
}

/** Gives devices their certificates: when they join, and in time before the end of the one they have. */
export class Certifying {
  readonly #options: CertifyingOptions;

  constructor(options: CertifyingOptions) {
    this.#options = options;
  }

  /** Whether devices can be given certificates at all. */
  get isAble(): boolean {
    return this.#options.authority !== undefined;
  }

  /** For a machine that has just come in as `device`. The same key gets the same certificate, however often it is asked for. */
  joined(device: DeviceId, publicKey: KeyObject, from: string): Promise<ToldCertificate> {
    return this.#certificateFor(device, publicKey, "used", from);
  }

  /**
   * For a device that is connected, and asks by what it publishes.
   * @throws BadInputError where it has no certificate to renew, none that is due, or the key is not shown to be its own
   */
  async renewed(device: DeviceId, asked: ProvenKey): Promise<ToldCertificate> {
    const { accounts, authority, certificates, clock } = this.#options;
    const publicKey = checkKey(device, asked);
    const present = certificates.present(device);
    if (!accounts.find(device)?.certified || !present)
      throw new BadInputError(`${device} has no certificate that is good: there is nothing to renew`);
    // A connection may outlast the certificate that it was opened with: at another broker that of a machine whose device was enrolled again on another
    // one, for as long as that broker takes to end it. By a renewal it would come in for good; and nobody else asks before it is time.
    const isRotated = authority?.before !== undefined && present.authority !== authority.present.fingerprint;
    const due = renewalOf(present);
    if (!isRotated && due > clock.now())
      throw new BadInputError(
        `the certificate of ${device} is not due before ${new Date(due).toISOString()}: nothing is renewed by now`,
      );
    return this.#certificateFor(device, publicKey, "waiting", "mqtt");
  }

  async #certificateFor(
    device: DeviceId,
    publicKey: KeyObject,
    state: CertificateState,
    from: string,
  ): Promise<ToldCertificate> {
    const { accounts, certificates, clock, authority, life, audit } = this.#options;
    const key = createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("hex");
    const before = certificates.ofKey(device, key);
    const isGood = before && (!authority?.before || before.authority === authority.present.fingerprint);
    if (isGood && renewalOf(before) > clock.now()) return told(before);
    if (!authority)
      throw new BadInputError("there is no authority for devices' certificates here: start with --listen");
    if (certificates.issuedSince(device, clock.now() - day) >= maxCertificatesADay)
      throw new BadInputError(`${device} was issued ${maxCertificatesADay} certificates within a day: no more for now`);
    const issued = Math.round(clock.now());
    const hash = accounts.find(device)?.hash;
    const made = { ...(await authority.issue(device, publicKey, life)), device, key, issued, state };
    // It was removed or enrolled again meanwhile: what is added now would be good for another device of this name.
    if (hash === undefined || accounts.find(device)?.hash !== hash)
      throw new BadInputError(`${device} is another by now`);
    audit.record({
      who: device,
      from,
      what: "certificate.issued",
      on: device,
      detail: { serial: made.serial, expires: made.expires },
    });
    certificates.add(made);
    return told(made);
  }
}

function told(certificate: Certificate): ToldCertificate {
  return { pem: certificate.pem, renew: renewalOf(certificate) };
}
