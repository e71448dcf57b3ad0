import type { KeyObject } from "node:crypto";
import type { Authorities } from "#shared/messages/authorities-message";

/** What is shown of one authority. */
export interface AuthorityFacts {
  /** SHA-256 of its certificate, in hexadecimal digits. */
  readonly fingerprint: string;
  /** What it calls itself. */
  readonly name: string;
  /** Until when it is good: epoch ms. */
  readonly until: number;
}

/** What the console needs of the installation's private authority; it is given by who composes. */
export interface PrivateAuthority {
  /** The one that signs. */
  readonly present: AuthorityFacts;
  /** The one that takes over, and since when it waits for that (epoch ms); undefined outside a rotation. */
  readonly next: (AuthorityFacts & { readonly since: number }) | undefined;
  /** What agents are told. */
  readonly announcement: Authorities;
  /** What is trusted, or who signs, has changed. */
  readonly changes: { on(listener: () => void): () => void };
  /**
   * Begins a rotation: from now on both are trusted.
   * @param brought an authority of somebody's own, as PEM; by default a new one is made
   * @throws BadInputError where one has begun already, or what was brought is no authority
   */
  rotate(brought?: { readonly cert: string; readonly key: string }): Promise<void>;
  /** Ends it: the next one signs, and the one of before is trusted no more. @throws BadInputError where none has begun */
  finish(): void;
}

/** A certificate that was just made for a device. */
export interface IssuedToDevice {
  /** As PEM. */
  readonly pem: string;
  /** As Node and OpenSSL write it: hexadecimal digits, in capitals. */
  readonly serial: string;
  /** Epoch ms. */
  readonly expires: number;
  /** The fingerprint of the authority that has signed it. */
  readonly authority: string;
}

/** What the console needs of the authority of devices' certificates; it is given by who composes. */
export interface DevicesAuthority {
  /** The one that signs. */
  readonly present: AuthorityFacts;
  /** The one that has signed before, and since when it does so no more (epoch ms): trusted until its rotation ends; undefined outside one. */
  readonly before: (AuthorityFacts & { readonly since: number }) | undefined;
  /** Who signs, or what is trusted, has changed. */
  readonly changes: { on(listener: () => void): () => void };
  /** @param life milliseconds; it does not outlive the authority */
  issue(device: string, publicKey: KeyObject, life: number): Promise<IssuedToDevice>;
  /** Begins a rotation: another one is made and signs from now on, and both are trusted. @throws BadInputError where one has begun already */
  rotate(): Promise<void>;
  /** Ends it: the one of before is trusted no more. @throws BadInputError where none has begun */
  finish(): void;
}
