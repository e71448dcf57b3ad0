import { livenesses } from "#shared/liveness";
import type { ShownState } from "./arrange.ts";

const states: readonly ShownState[] = [...livenesses, "retired"];

/** How somebody looks at the fleet: all of it stands in the page's address. */
export interface FleetView {
  readonly where: string;
  readonly state: ShownState | undefined;
  /** `version`, or `-cpu` for the largest first. */
  readonly sort: string;
  readonly group: string;
  /** Columns beside the usual ones. */
  readonly columns: readonly string[];
  readonly as: "list" | "mosaic";
  /** The whole screen, without anything to click. */
  readonly wall: boolean;
}

/** What an address' query says; what it says wrong counts for nothing. */
export function fleetViewOf(search: string): FleetView {
  const query = new URLSearchParams(search);
  const columns = (query.get("columns") ?? "").split(",").map((name) => name.trim());
  return {
    where: query.get("where") ?? "",
    state: states.find((state) => state === query.get("state")),
    sort: query.get("sort") ?? "",
    group: query.get("group") ?? "",
    columns: [...new Set(columns.filter(Boolean))],
    as: query.get("as") === "mosaic" ? "mosaic" : "list",
    wall: query.has("wall"),
  };
}

/** The same view as an address' query, empty for the usual one. */
export function fleetQuery({ where, state, sort, group, columns, as, wall }: FleetView): string {
  const query = new URLSearchParams();
  if (where.trim() !== "") query.set("where", where);
  if (state) query.set("state", state);
  if (sort !== "") query.set("sort", sort);
  if (group !== "") query.set("group", group);
  if (columns.length > 0) query.set("columns", columns.join(","));
  if (as !== "list") query.set("as", as);
  if (wall) query.set("wall", "");
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
