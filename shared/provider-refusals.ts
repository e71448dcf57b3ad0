/** Why somebody who came from the identity provider is not let in: what the page says, by the word that its address carries. */
export const providerRefusals = {
  away: "The identity provider does not answer at present. Try again later, or log in with a password.",
  busy: "Too many people are logging in at this moment: try again.",
  stale: "This login was begun too long ago or in another browser, or is over already: begin again.",
  denied: "The identity provider has not let you in.",
  clock:
    "What the identity provider said is over already or not good yet: its clock and that of the machine with Muster differ by more than a minute.",
  unwritten:
    "Muster could not write down what this login changes, so nobody was logged in: is its disk full? A login with a password needs no room.",
  invalid: "What the identity provider said does not hold, so nobody was logged in. The console's log says why.",
  "no-role":
    "The identity provider knows you, but nothing that it says of you gives you a role here: ask an administrator of Muster.",
  "name-taken":
    "An account with your name exists here that is not the identity provider's: ask an administrator of Muster.",
  "bad-name":
    "Your name at the identity provider cannot be an account's here: expected up to 63 letters, digits, dots, _, @ and -, beginning with a letter, and not admin.",
} as const;

export type ProviderRefusal = keyof typeof providerRefusals;

/** Somebody who came from the identity provider is not let in. */
export class ProviderRefusedError extends Error {
  override readonly name = "ProviderRefusedError";
  readonly why: ProviderRefusal;

  constructor(why: ProviderRefusal, options?: ErrorOptions) {
    super(providerRefusals[why], options);
    this.why = why;
  }
}
