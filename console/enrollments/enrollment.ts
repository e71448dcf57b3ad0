import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { onlyGroups } from "../accounts/group-limits.ts";
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
  /** The groups to which its maker was limited, or his token was; undefined for no limit. */
  readonly limit?: readonly string[] | undefined;
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

/** A code as it is kept. */
export interface KeptEnrollment extends Enrollment {
  readonly hash: string;
  /** Why it was revoked, where no person has done that. */
  readonly ended: string;
}

export const parseEnrollment = parserOf<KeptEnrollment>(
  z.pipe(
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
      only_groups: onlyGroups,
      ended: z.string(),
    }),
    z.transform(({ only_groups: limit, ...enrollment }): KeptEnrollment => ({
      ...enrollment,
      limit: limit ?? undefined,
    })),
  ),
);

export const parseJoin = parserOf<Join & { readonly machine: string }>(
  z.object({ enrollment: z.string(), machine: z.string(), device: keptDeviceId, ts: instant, address: z.string() }),
);
