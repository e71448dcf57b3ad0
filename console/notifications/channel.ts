import * as z from "zod/mini";
import { parseJson } from "#shared/nesting";
import type { Row } from "../database/row.ts";
import { instant, parserOf } from "../database/row-fields.ts";

/** A way by which people hear of alerts. */
export interface Channel {
  readonly name: string;
  /** One of `channelKinds`; of a newer version's none of them, and then nothing goes by it. */
  readonly kind: string;
  /** As text, secrets among them; by the fields of its kind. */
  readonly settings: Readonly<Record<string, string>>;
  readonly enabled: boolean;
  /** Whether alerts go by it whose rule names no channel. */
  readonly usual: boolean;
  readonly by: string;
  /** Epoch ms. */
  readonly ts: number;
}

const parseSettings = parserOf(z.record(z.string(), z.string()));
const parseRow = parserOf(
  z.object({
    name: z.string(),
    kind: z.string(),
    settings: z.string(),
    enabled: z.number(),
    usual: z.number(),
    by: z.string(),
    ts: instant,
  }),
);

/** @throws Error for a row that does not read */
export function parseChannel(row: Row): Channel {
  const { settings, enabled, usual, ...rest } = parseRow(row);
  return { ...rest, settings: parseSettings(parseJson(settings) as Row), enabled: enabled === 1, usual: usual === 1 };
}
