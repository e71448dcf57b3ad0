import * as z from "zod/mini";
import { maxFilterLength } from "#shared/filter/filter-tokens";
import { about } from "./document-schema.ts";

/** Which devices somebody means, in the filter language. */
export const whereText = about(
  z.string().check(z.maxLength(maxFilterLength)),
  "only devices that fit, such as group=lab cpu.usage_idle<20 version<0.3 silent>5m; a plain word stands in an id, name, group or tag",
);
