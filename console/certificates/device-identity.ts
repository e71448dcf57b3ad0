import { X509Certificate } from "node:crypto";
import type { DeviceId } from "#shared/ids";
import type { Accounts } from "../accounts/accounts.ts";
import type { Certificates } from "./certificates.ts";

/** How a device shows who it is. */
export interface Identity {
  /** `none`: it has no account, or its certificate has ended. */
  readonly by: "secret" | "certificate" | "none";
  /** Until when its certificate is good: epoch ms. */
  readonly until: number | null;
  /** The name of the authority that has signed it. */
  readonly authority: string | null;
}

/** @param now epoch ms */
export function identityOf(
  { accounts, certificates }: { readonly accounts: Accounts; readonly certificates: Certificates },
  device: DeviceId,
  now: number,
): Identity {
  const account = accounts.find(device);
  const nothing = { until: null, authority: null };
  if (account?.role !== "device") return { by: "none", ...nothing };
  if (!account.certified) return { by: "secret", ...nothing };
  const present = certificates.present(device);
  if (!present || present.expires <= now) return { by: "none", ...nothing };
  return { by: "certificate", until: present.expires, authority: signerOf(present.pem) };
}

/** The common name of who has signed it; its whole name where it has none. */
function signerOf(pem: string): string {
  const { issuer } = new X509Certificate(pem);
  return /^CN=(.+)$/m.exec(issuer)?.[1] ?? issuer;
}
