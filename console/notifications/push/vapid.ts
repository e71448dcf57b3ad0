import { createECDH, createPrivateKey, sign } from "node:crypto";

/** By which push services know that it is the same console that asks (RFC 8292): a key of P-256, base64url. */
export interface VapidKey {
  /** 32 bytes: secret. */
  readonly secret: string;
  /** Its point, which browsers are given when they subscribe. */
  readonly point: string;
}

export interface VapidClaims {
  /** The origin of the push service. */
  readonly aud: string;
  /** Unix seconds until which it counts, a day ahead at most. */
  readonly exp: number;
  /** Where whoever runs the push service finds whoever sends: `mailto:` or `https:`. */
  readonly sub: string;
}

export function newVapidKey(): VapidKey {
  const keys = createECDH("prime256v1");
  keys.generateKeys();
  // Leading zeros are no part of the number, but of its 32 bytes.
  const secret = Buffer.concat([Buffer.alloc(32), keys.getPrivateKey()]).subarray(-32);
  return vapidKeyOf(secret.toString("base64url"));
}

/** @throws Error where it is none */
export function vapidKeyOf(secret: string): VapidKey {
  const keys = createECDH("prime256v1");
  keys.setPrivateKey(Buffer.from(secret, "base64url"));
  return { secret, point: keys.getPublicKey("base64url") };
}

/** The header `authorization` of a request to a push service. */
export function vapidAuthorization({ secret, point }: VapidKey, claims: VapidClaims): string {
  const bytes = Buffer.from(point, "base64url");
  const [x, y] = [bytes.subarray(1, 33).toString("base64url"), bytes.subarray(33).toString("base64url")];
  const key = createPrivateKey({ key: { kty: "EC", crv: "P-256", x, y, d: secret }, format: "jwk" });
  const signed = signedPart(claims);
  const signature = sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" });
  return `vapid t=${signed}.${signature.toString("base64url")}, k=${point}`;
}

/** What of a token is signed. */
export function signedPart({ aud, exp, sub }: VapidClaims): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ typ: "JWT", alg: "ES256" })}.${part({ aud, exp, sub })}`;
}
