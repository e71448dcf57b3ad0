import { quoted } from "#shared/printable";
import { asError } from "#shared/errors";
import type { Offer } from "#shared/messages/presence-messages";
import { flatSchemaOf, type FlatSchema } from "./flat-schema.ts";

/** What a device offers under one key, as the console took it: `args` is no more than it checks itself. */
export type CatalogueEntry = Omit<Offer, "args"> & {
  readonly args?: FlatSchema;
  /** Why the console does not check the arguments: the device does, and answers `rejected`. */
  readonly unchecked?: string;
};
export type CommandCatalogue = Readonly<Record<string, CatalogueEntry>>;

/** What a birth offers, as the console takes it: every schema is looked through once, here, and never compiled. */
export function toCatalogue(offers: Readonly<Record<string, Offer>>): CommandCatalogue {
  return Object.fromEntries(Object.entries(offers).map(([key, offer]) => [key, toEntry(offer)]));
}

function toEntry({ args, ...offer }: Offer): CatalogueEntry {
  if (args === undefined) return offer;
  try {
    return { ...offer, args: flatSchemaOf(args) };
  } catch (error) {
    return {
      ...offer,
      unchecked: `its arguments are checked by the device alone: in their schema ${asError(error).message}`,
    };
  }
}

/** The keys whose arguments the console leaves to the device, and why: a sentence for a person; undefined where there are none. */
export function uncheckedIn(offers: CommandCatalogue | null): string | undefined {
  const found = Object.entries(offers ?? {}).filter(([, { unchecked }]) => unchecked !== undefined);
  const [first] = found;
  if (!first) return undefined;
  const others = found.length > 1 ? `; so are those of ${found.length - 1} more` : "";
  return `${quoted(first[0])}: ${first[1].unchecked}${others}`;
}
