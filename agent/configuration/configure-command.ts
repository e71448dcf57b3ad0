import * as z from "zod/mini";
import { count, type Json } from "#shared/messages/payload-schema";
import type { Handler } from "../commands/handler.ts";
import type { Configuring } from "./configuring.ts";

const args = z.object({
  version: count.check(z.meta({ title: "Number of the settings at the console" })),
  // A schema for each would be told with every birth.
  settings: (z.looseObject({}) as unknown as z.ZodMiniType<Record<string, Json>>).check(
    z.meta({ title: "Settings by their keys in muster.toml, as text" }),
  ),
});

/**
 * Takes settings in place of all that the console had given before. It may be begun again: it then finds what became of them.
 * @param faults what the parts of the agent know to be wrong @param changed what the agent says of itself may have changed
 */
export function configureCommand(
  configuring: Pick<Configuring, "change" | "found">,
  faults: (settings: Readonly<Record<string, string>>) => readonly string[],
  changed: () => void,
): Handler {
  const handler: Handler<z.infer<typeof args>> = {
    title: "Take other settings, in place of all that the console has given before",
    args,
    onInterrupt: "rerun",
    async run({ version, settings: given }, { command, signal }) {
      const settings = asText(given);
      const done = await configuring.change(
        { version, settings },
        { command: command.id, signal, more: faults(settings) },
      );
      changed();
      return done;
    },
    // These settings, or others on the machine since, let it through no more.
    async verify({ version, settings }, { command }) {
      const found = await configuring.found({ version, settings: asText(settings) }, command.id);
      if (found === undefined) throw new Error("the agent stopped while it ran, and these settings do not hold");
      return found;
    },
  };
  return handler;
}

function asText(given: Readonly<Record<string, Json>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(given).map(([key, value]) => [key, typeof value === "string" ? value : JSON.stringify(value)]),
  );
}
