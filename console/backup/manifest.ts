import * as z from "zod/mini";
import { BadInputError } from "#shared/errors";
import { check } from "#shared/messages/payload-schema";

/** The first file of a backup: what else is in it. */
export const manifestName = "muster-backup.json";
/** Bytes of it, with thousands of files. */
export const maxManifestBytes = 1024 * 1024;

const manifest = z.object({
  v: z.literal(1),
  /** The version of Muster that has made it. */
  muster: z.string(),
  /** When its making began, epoch ms. */
  at: z.number(),
  files: z.array(z.object({ name: z.string(), size: z.number(), sha256: z.string() })),
});
export type Manifest = z.output<typeof manifest>;

/** @throws BadInputError where it is none */
export function parseManifest(text: string): Manifest {
  try {
    return check(manifest, JSON.parse(text), manifestName);
  } catch (cause) {
    throw new BadInputError(`it is no backup of Muster's: its ${manifestName} does not read`, { cause });
  }
}
