import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { instant, keptDeviceId, parserOf } from "../database/row-fields.ts";

/** A code by which machines come in, without its secret. */
export interface Enrollment {
  readonly id: string;
  /** The device's id, or a template of it. */
  readonly name: string;
  readonly groups: readonly string[];
  readonly uses: number;
  readonly used: number;
  /** Whether it is for a device that is enrolled already, whose secret of before ends. */
  readonly again: boolean;
  /** Whether who comes in by it is given a certificate, and no secret. */
  readonly certificate: boolean;
  readonly by: string;
  readonly created: number;
  readonly expires: number;
  readonly revoked: boolean;
}

/** That a machine came in. */
export interface Join {
  readonly enrollment: string;
  readonly device: DeviceId;
  readonly ts: number;
  readonly address: string;
}

const groups = z.pipe(
  z.string(),
  z.transform((text: string): readonly string[] => (text === "" ? [] : text.split(" "))),
);
const truth = z.pipe(
  z.number(),
  z.transform((value: number) => value === 1),
);

export const parseEnrollment = parserOf<Enrollment & { readonly hash: string }>(
  z.object({
    id: z.string(),
    hash: z.string(),
    name: z.string(),
    groups,
    uses: z.number(),
    used: z.number(),
    again: truth,
    certificate: truth,
    by: z.string(),
    created: instant,
    expires: instant,
    revoked: truth,
  }),
);

export const parseJoin = parserOf<Join & { readonly machine: string }>(
  z.object({ enrollment: z.string(), machine: z.string(), device: keptDeviceId, ts: instant, address: z.string() }),
);
