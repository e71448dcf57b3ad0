import { createHash } from "node:crypto";
import { BadInputError } from "#shared/errors";
import type { Task } from "#shared/messages/command-messages";
import { canonicalJson } from "#shared/signing/canonical-json";

/** By which what was begun is known again, however it is encoded: of key and arguments. undefined where they have no one text. */
export function taskDigest({ key, args = {} }: Pick<Task, "key" | "args">): string | undefined {
  try {
    return createHash("sha256")
      .update(canonicalJson({ key, args: { ...args } }))
      .digest("base64url");
  } catch (thrown) {
    if (thrown instanceof BadInputError) return undefined;
    throw thrown;
  }
}
