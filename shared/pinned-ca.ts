import { X509Certificate } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { readBounded } from "#shared/bounded-read";
import { asError, EnvironmentError } from "#shared/errors";

/** Bytes of a file of certificates: the system's own bundle of all authorities has a quarter of it. */
export const maxBundleBytes = 1024 * 1024;

/** The certificates in a text of PEM, in their order. @throws Error where one does not read */
export function certificatesIn(pem: string): X509Certificate[] {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? [];
  return blocks.map((block) => new X509Certificate(block));
}

/** SHA-256 of a certificate in small hexadecimal digits. */
export function fingerprintOf(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/** The authorities in a file that somebody names, as PEM. @throws EnvironmentError where there are none */
export function readBundle(path: string): string {
  try {
    const file = openSync(path, "r");
    try {
      const bytes = readBounded(file, maxBundleBytes);
      if (!bytes || bytes.length > maxBundleBytes) throw new Error(`expected at most ${maxBundleBytes} bytes`);
      const pem = bytes.toString("utf8");
      if (certificatesIn(pem).length === 0) throw new Error("expected PEM with a line -----BEGIN CERTIFICATE-----");
      return pem;
    } finally {
      closeSync(file);
    }
  } catch (thrown) {
    throw new EnvironmentError(
      `MUSTER_CA names ${path}, which holds no certificates of authorities: ${asError(thrown).message}`,
    );
  }
}
