import * as z from "zod/mini";
import { maxSigners } from "#shared/messages/presence-messages";
import { parsePublicKeys } from "#shared/signing/public-key";
import type { Signers } from "../signers.ts";
import type { Handler } from "./handler.ts";

const args = z.object({
  keys: z
    .array(z.string().check(z.maxLength(200)))
    .check(z.minLength(1), z.maxLength(maxSigners), z.meta({ title: "Lines that muster keygen has printed" })),
});

/**
 * Changes the keys by which commands have to be signed: by a command that one of them has signed, as every command is where it is offered.
 * @param changed what the agent says of itself has changed
 */
export function signersCommand(signers: Pick<Signers, "replace" | "ids">, changed: () => void): Handler {
  const handler: Handler<z.infer<typeof args>> = {
    title: "Take other keys, in place of all there are, by which commands have to be signed",
    args,
    onInterrupt: "rerun",
    run({ keys }) {
      signers.replace(keys);
      changed();
      return { signers: [...signers.ids] };
    },
    // The key that has signed it is not pinned any more.
    verify({ keys }) {
      const told = parsePublicKeys(keys).map(({ id }) => id);
      if ([...told].sort().join() !== [...signers.ids].sort().join())
        throw new Error("the agent stopped while it ran, and other keys than these are pinned");
      return { signers: [...signers.ids] };
    },
  };
  return handler;
}
