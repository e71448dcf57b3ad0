import * as z from "zod/mini";
import { instant, moment, parserOf } from "../database/row-fields.ts";

/** A notice on its way by one channel. */
export interface Delivery {
  readonly id: number;
  /** The notice's number. */
  readonly notice: number;
  readonly channel: string;
  readonly alert: string;
  /** By which the other side knows one that comes twice. */
  readonly key: string;
  /** `failed` is for good: it was refused, given up, or had to make room. */
  readonly state: "waiting" | "delivered" | "failed";
  readonly tries: number;
  /** Epoch ms by the console's clock: when it was first looked at. */
  readonly since: number | null;
  /** Epoch ms before which it is not tried again. */
  readonly next: number;
  /** What the other side said last, or why it could not be asked, as a sentence. */
  readonly said: string | null;
  /** Epoch ms: when it was delivered, or given up. */
  readonly ended: number | null;
}

/** @throws Error for a row that does not read */
export const parseDelivery = parserOf<Delivery>(
  z.object({
    id: z.number(),
    notice: z.number(),
    channel: z.string(),
    alert: z.string(),
    key: z.string(),
    state: z.enum(["waiting", "delivered", "failed"]),
    tries: z.number(),
    since: moment,
    next: instant,
    said: z.nullable(z.string()),
    ended: moment,
  }),
);
