import * as z from "zod/mini";
import type { DeviceId } from "#shared/ids";
import { keptDeviceId, instant, parserOf } from "../database/row-fields.ts";

/** That a device was removed, as it is kept. */
export interface Removal {
  readonly device: DeviceId;
  readonly by: string;
  readonly ts: number;
  /** Whether the console has let go of all that it had of the device. */
  readonly done: number;
}

export const parseRemoval = parserOf<Removal>(
  z.object({ device: keptDeviceId, by: z.string(), ts: instant, done: z.number() }),
);
