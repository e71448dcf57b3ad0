import type { Json } from "#shared/messages/payload-schema";
import { canonicalJson } from "./canonical-json.ts";

/** What every statement says of a command. Times are epoch ms by the signer's clock. */
interface Stated {
  /** Of a job's commands the same on every device: the job's. */
  readonly id: string;
  readonly key: string;
  readonly args: { readonly [name: string]: Json };
  readonly ts: number;
  readonly expires: number;
}

/** The bytes that are signed for a command to one device; the first line keeps them apart from all else that a key may sign. */
export function commandStatement({ device, ...stated }: Stated & { readonly device: string }): string {
  return `muster command 1\n${statement(stated, { device })}`;
}

/** The bytes that are signed, once, for a job. @param targets the root of the tree of its devices, and how many they are */
export function jobStatement(stated: Stated, targets: { readonly root: string; readonly count: number }): string {
  return `muster job 1\n${statement(stated, { targets: { ...targets } })}`;
}

function statement({ id, key, args, ts, expires }: Stated, to: { readonly [name: string]: Json }): string {
  return canonicalJson({ ...to, id, key, args: { ...args }, ts, expires });
}
