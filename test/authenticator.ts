import { codeAt, stepAt } from "../console/accounts/totp.ts";

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** The code that an authenticator with this key (base 32) shows. @param ahead steps of 30 s from now */
export function codeOf(secret: string, ahead = 0): string {
  const bits = secret
    .split("")
    .map((one) => alphabet.indexOf(one).toString(2).padStart(5, "0"))
    .join("");
  const bytes = (bits.match(/.{8}/g) ?? []).map((one) => Number.parseInt(one, 2));
  return codeAt(Buffer.from(bytes), stepAt(Date.now()) + ahead);
}
