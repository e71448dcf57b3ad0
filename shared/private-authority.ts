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
