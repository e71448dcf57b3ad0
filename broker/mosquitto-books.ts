import type { MosquittoAccount } from "./mosquitto-access.ts";
import type { CertificateFiles } from "./mosquitto-files.ts";
import type { Reload } from "./mosquitto-reload.ts";

/** Devices' certificates, as Mosquitto is to know them. */
export interface CertificateSide extends CertificateFiles {
  /** Devices of whom there are certificates that have ended. */
  readonly withEnded: ReadonlySet<string>;
}

/** What Mosquitto is to know, as it stands in the console's books at one moment. */
export interface MosquittoBooks {
  readonly accounts: readonly MosquittoAccount[];
  /** Where devices come with certificates. */
  readonly certificates?: CertificateSide | undefined;
  /** Differs where anything of it does. */
  readonly version: string;
}

/**
 * The books as they are in the turn in which the function that comes of it is called. All that takes time is done by then: whatever changes
 * an account does so before or after, and each side knows which.
 */
export type ReadBooks = () => Promise<() => MosquittoBooks>;

/** Accounts of which nothing that was opened before their change may go on, each with the hashes by which something may have been opened. */
export type ChangedAccounts = ReadonlyMap<string, ReadonlySet<string>>;

export interface WrittenFiles {
  /** Who cannot log in there, because their hash, or the number of devices that they are limited to, would cost Mosquitto too much. */
  readonly dear: readonly string[];
  readonly reload: Reload;
  /** What may still be open with a certificate that has ended, and why. */
  readonly stays: readonly string[];
  /** Of whom nothing is open any more that was opened before. */
  readonly ended: readonly string[];
  /** Whose places are to be taken once more after the deadline for CONNECT. */
  readonly later: readonly string[];
}
