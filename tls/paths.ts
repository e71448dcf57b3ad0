import { join } from "node:path";

/** Where the data directory has what is about TLS. */
export function tlsDirectory(data: string): string {
  return join(data, "tls");
}

/** The authorities that others are given to trust, as PEM. */
export function bundlePath(data: string): string {
  return join(tlsDirectory(data), "ca.crt");
}
