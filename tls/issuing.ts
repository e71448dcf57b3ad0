import "reflect-metadata";
import {
  createPrivateKey,
  createPublicKey,
  randomBytes,
  webcrypto,
  X509Certificate,
  type KeyObject,
} from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate as Parsed,
  X509CertificateGenerator,
  X509CrlGenerator,
  type Extension,
  type Name,
} from "@peculiar/x509";
import { firstMoment, serverSpan } from "./spans.ts";

/** A certificate with its private key, both as PEM. */
export interface KeyPair {
  readonly key: string;
  readonly cert: string;
}

const elliptic = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;

/** What signs: a key of ours, or one that was brought. @throws Error for a kind of key that browsers would not take */
function signatureOf(key: KeyObject): EcKeyImport | RsaKeyImport {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (key.asymmetricKeyType === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  if (key.asymmetricKeyType === "ec" && curve === "prime256v1") return elliptic;
  if (key.asymmetricKeyType === "ec" && curve === "secp384r1")
    return { name: "ECDSA", namedCurve: "P-384", hash: "SHA-384" };
  throw new Error(
    `expected an RSA key or one of the curves P-256 and P-384, got ${curve ?? key.asymmetricKeyType ?? "another"}`,
  );
}

interface EcKeyImport {
  readonly name: "ECDSA";
  readonly namedCurve: string;
  readonly hash: string;
}
interface RsaKeyImport {
  readonly name: "RSASSA-PKCS1-v1_5";
  readonly hash: string;
}

/** A new private authority. Its name is one of its own, so that a browser tells two of them apart. */
export async function makeAuthority(span: { readonly notAfter: number }, called = "Muster CA"): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(elliptic, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: [{ CN: [`${called} ${randomBytes(4).toString("hex")}`] }],
    notBefore: new Date(firstMoment),
    notAfter: new Date(span.notAfter),
    signingAlgorithm: elliptic,
    keys,
    extensions: [...ofAuthorities, await SubjectKeyIdentifierExtension.create(keys.publicKey)],
  });
  return { key: await keyText(keys.privateKey), cert: `${certificate.toString("pem")}\n` };
}

const ofAuthorities: readonly Extension[] = [
  // Without a path length: one that takes over is signed by the one before.
  new BasicConstraintsExtension(true, undefined, true),
  new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
];

/** The authority `next` once more, vouched for by `old`: who trusts the old one alone can check it. @returns a certificate as PEM */
export async function crossSign(next: string, old: KeyPair): Promise<string> {
  const theirs = new X509Certificate(next);
  const until = Math.min(Date.parse(theirs.validTo), Date.parse(new X509Certificate(old.cert).validTo));
  return sign(old, {
    subject: subjectOf(next),
    publicKey: theirs.publicKey,
    notBefore: firstMoment,
    notAfter: until,
    extensions: ofAuthorities,
  });
}

/** A certificate for a server that is reached by any of `names`: names of hosts and addresses in numbers. */
export async function issueServer(authority: KeyPair, names: readonly string[], now: number): Promise<KeyPair> {
  const keys = await webcrypto.subtle.generateKey(elliptic, true, ["sign", "verify"]);
  const publicKey = createPublicKey({
    key: Buffer.from(await webcrypto.subtle.exportKey("spki", keys.publicKey)),
    format: "der",
    type: "spki",
  });
  const cert = await sign(authority, {
    subject: [{ CN: [names[0] ?? "muster"] }],
    publicKey,
    ...serverSpan(now, Date.parse(new X509Certificate(authority.cert).validTo)),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) > 0 ? ("ip" as const) : ("dns" as const), value })),
      ),
    ],
  });
  return { key: await keyText(keys.privateKey), cert };
}

/** A certificate by which a device logs in under its name: for clients alone. @returns it as PEM */
export async function issueDevice(
  authority: KeyPair,
  device: string,
  publicKey: KeyObject,
  notAfter: number,
): Promise<string> {
  return sign(authority, {
    subject: [{ CN: [device] }],
    publicKey,
    notBefore: firstMoment,
    notAfter,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.clientAuth]),
    ],
  });
}

/**
 * The list of certificates of an authority that are good no more. It begins when everything begins and has no end: whoever reads it has it from the
 * same machine, and a clock that was set must not lock a fleet out.
 * @param serials as Node and OpenSSL write them @returns it as PEM
 */
export async function issueRevocations(authority: KeyPair, serials: readonly string[]): Promise<string> {
  const revokedAt = new Date(firstMoment);
  const list = await X509CrlGenerator.create({
    issuer: subjectOf(authority.cert),
    thisUpdate: revokedAt,
    entries: serials.map((serialNumber) => ({ serialNumber, revocationDate: revokedAt })),
    ...(await importedKey(authority)),
  });
  // The package calls it "CRL", which OpenSSL does not look for.
  const lines =
    Buffer.from(list.rawData)
      .toString("base64")
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join("\n")}\n-----END X509 CRL-----\n`;
}

interface Asked {
  readonly subject: Name | { [type: string]: string[] }[];
  readonly publicKey: KeyObject;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly extensions: readonly Extension[];
}

/** @returns the certificate as PEM */
export async function sign(authority: KeyPair, asked: Asked): Promise<string> {
  const publicKey = asked.publicKey.export({ type: "spki", format: "der" });
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: asked.subject,
    issuer: subjectOf(authority.cert),
    notBefore: new Date(asked.notBefore),
    notAfter: new Date(asked.notAfter),
    publicKey,
    ...(await importedKey(authority)),
    extensions: [
      ...asked.extensions,
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(
        createPublicKey(authority.cert).export({ type: "spki", format: "der" }),
      ),
    ],
  });
  return `${certificate.toString("pem")}\n`;
}

/** An authority's key, as what signs takes it. */
async function importedKey({ key }: KeyPair) {
  const secret = createPrivateKey(key);
  const signingAlgorithm = signatureOf(secret);
  const der = secret.export({ type: "pkcs8", format: "der" });
  const signingKey = await webcrypto.subtle.importKey("pkcs8", der, signingAlgorithm, false, ["sign"]);
  return { signingAlgorithm, signingKey };
}

function subjectOf(certificate: string): Name {
  return new Parsed(certificate).subjectName;
}

/** 126 random bits (RFC 5280 §4.1.2.2: positive, at most 20 octets). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

async function keyText(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", key));
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" })
    .export({ type: "pkcs8", format: "pem" })
    .toString();
}
