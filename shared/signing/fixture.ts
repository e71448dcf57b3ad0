import { createPrivateKey, sign, type KeyObject } from "node:crypto";
import type { Json } from "#shared/messages/payload-schema";
import type { Signature } from "#shared/messages/command-signature";
import { publicKeyOf, type PublicKey } from "./public-key.ts";
import { commandStatement, jobStatement } from "./statement.ts";
import { TargetTree } from "./targets.ts";

/** A person of the tests: her key is made of one byte, the same each time. */
export interface TestSigner {
  readonly public: PublicKey;
  readonly key: KeyObject;
  command(told: Told & { readonly device: string }): Signature;
  /** One signature for all, and the part of it that is for `device`. */
  job(told: Told & { readonly devices: readonly string[] }, device: string): Signature;
}

interface Told {
  readonly id: string;
  readonly key: string;
  readonly args?: { readonly [name: string]: Json };
  readonly ts: number;
  readonly expires: number;
}

/** DER of an Ed25519 key in PKCS#8 (RFC 8410 §7), up to its 32 bytes. */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

export function testSigner(seed: number, name: string): TestSigner {
  const der = Buffer.concat([pkcs8Head, Buffer.alloc(32, seed)]);
  const key = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const known = publicKeyOf(key, name);
  const value = (statement: string): string => sign(null, Buffer.from(statement), key).toString("base64url");
  return {
    public: known,
    key,
    command: ({ args = {}, ...told }) => ({
      key: known.id,
      ts: told.ts,
      expires: told.expires,
      value: value(commandStatement({ ...told, args })),
    }),
    job({ devices, args = {}, ...told }, device) {
      const tree = new TargetTree(devices);
      const job = tree.placeOf(device) ?? { count: devices.length, index: 0, path: [] };
      const { ts, expires } = told;
      return { key: known.id, ts, expires, value: value(jobStatement({ ...told, args }, tree.targets)), job };
    },
  };
}
