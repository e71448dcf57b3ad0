import { appendFileSync } from "node:fs";
import { Packing, type PackingRules } from "../console/store/packing.ts";
import type { FoundStretch } from "../console/store/stretch-finder.ts";
import { StretchWriter } from "../console/store/stretch-writer.ts";
import { around, type KillPoints } from "./points.ts";

/** Where a console can be made to die while it packs: before a stretch takes the place of its rows, in the middle of that, and behind it. */
export const packingPoints = ["stretch.put", "stretch.half", "stretch.stands"] as const;

/** What was measured in a second is packed a moment later, and what comes again is merged into it; a run would otherwise be over before anything was old enough. */
const hasty: PackingRules = { span: 1_000, least: 2, grace: 100, every: 100, day: 60_000 };

/** A stretch that took the place of so many rows; `into` another one, which they had come late for. */
export interface Packed {
  readonly rows: number;
  readonly into: boolean;
}

/** Where the console's process writes that down. */
export const packedIn = (directory: string): string => `${directory}/packed.jsonl`;

/** Has the embedded store of this process pack all the time, and puts its kill points around that. */
export function packAllTheTime(points: KillPoints, directory: string): void {
  const note = (packed: Packed): void => appendFileSync(packedIn(directory), `${JSON.stringify(packed)}\n`);
  around(Packing.prototype, "rules", () => () => hasty);
  around(
    StretchWriter.prototype,
    "put",
    (inner) =>
      function (this: StretchWriter, found) {
        const after = points.between("stretch.put", "stretch.stands");
        const isPut = inner.call(this, { ...found, packed: found.packed.map((one) => halfway(one, points)) });
        if (isPut) note({ rows: found.rows, into: found.replaces !== undefined });
        after();
        return isPut;
      },
  );
}

/** Its fields are asked for when its rows have gone already, in the middle of the transaction. */
function halfway(one: FoundStretch["packed"][number], points: KillPoints): FoundStretch["packed"][number] {
  const { fields, ...rest } = one;
  return {
    ...rest,
    get fields() {
      points.pass("stretch.half");
      return fields;
    },
  };
}
