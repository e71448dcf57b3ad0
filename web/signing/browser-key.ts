import { signal } from "@preact/signals";
import { readKeys, writeKeys } from "./key-store.ts";
import { t } from "../language/text.ts";

/** The key that this browser signs with. */
export interface BrowserKey {
  /** By which devices and signatures name it. */
  readonly id: string;
  /** What is pinned on devices. */
  readonly line: string;
  sign(statement: string): Promise<string>;
}

/** Undefined until the browser was asked, null where it has no key. */
export const browserKey = signal<BrowserKey | null | undefined>(undefined);
/** Why this browser cannot sign here. */
export const signingProblem = signal<string | undefined>(undefined);

const algorithm = "Ed25519";

export async function findKey(): Promise<void> {
  if (browserKey.value !== undefined) return;
  await tried(async () => {
    const pair = await readKeys();
    browserKey.value = pair ? await keyOf(pair) : null;
  });
}

/** Makes one that cannot be taken out of the browser, and keeps it there. */
export async function makeBrowserKey(): Promise<void> {
  await tried(async () => {
    const pair = await crypto.subtle.generateKey(algorithm, false, ["sign", "verify"]);
    await writeKeys(pair);
    browserKey.value = await keyOf(pair);
  });
}

async function tried(act: () => Promise<void>): Promise<void> {
  try {
    if (!isSecureContext) throw new Error(t("it lends its keys only to pages over https, or of this machine itself"));
    await act();
  } catch (error) {
    signingProblem.value = t("This browser cannot sign: {value}.", {
      value: error instanceof Error ? error.message : String(error),
    });
  }
}

async function keyOf({ privateKey, publicKey }: CryptoKeyPair): Promise<BrowserKey> {
  const raw = await crypto.subtle.exportKey("raw", publicKey);
  const id = base64url(await crypto.subtle.digest("SHA-256", raw)).slice(0, 16);
  return {
    id,
    line: `ed25519:${base64url(raw)} browser`,
    sign: async (statement) =>
      base64url(await crypto.subtle.sign(algorithm, privateKey, new TextEncoder().encode(statement))),
  };
}

export function base64url(bytes: ArrayBuffer | Uint8Array): string {
  const text = btoa(String.fromCharCode(...new Uint8Array(bytes)));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
