export type ProviderClaims = Readonly<Record<string, unknown>>;

/**
 * What a provider says of somebody, in its ID token and beside it; what is signed goes first. An address of mail and whether it is
 * proved are taken from one place: the word for one address is none for another.
 */
export function claimsOf(proved: ProviderClaims, told: ProviderClaims): ProviderClaims {
  const { email, email_verified } = Object.hasOwn(proved, "email") ? proved : told;
  return { ...told, ...proved, email, email_verified };
}

/** The claim that an account is to be called by; undefined where it is no text, or an address that anybody may have written there. */
export function personNameIn(claims: ProviderClaims, claim: string): string | undefined {
  if (claim === "email" && claims["email_verified"] !== true) return undefined;
  const name = Object.hasOwn(claims, claim) ? claims[claim] : undefined;
  return typeof name === "string" ? name : undefined;
}
