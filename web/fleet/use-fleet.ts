import { useComputed, useSignal, type ReadonlySignal, type Signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import { parseChoice, type DeviceChoice } from "#shared/filter/choose-devices";
import { deviceNames } from "#shared/filter/filter-values";
import { plainName } from "#shared/filter/condition";
import { parseSort } from "#shared/fleet-table";
import { allRows, rowsVersion } from "../state/fleet-rows.ts";
import { follow } from "../state/live-state.ts";
import { arrange, type Arranged } from "./arrange.ts";
import { filterNames } from "./filter-field.tsx";
import { fleetQuery, fleetViewOf, type FleetView } from "./fleet-view.ts";
import { t } from "../language/text.ts";

interface Read {
  readonly choice?: DeviceChoice;
  readonly problem?: string;
}

export interface FleetOnPage {
  readonly view: FleetView;
  readonly arranged: ReadonlySignal<Arranged>;
  /** What is wrong with the filter. */
  readonly problem: string | undefined;
  readonly show: (changes: Partial<FleetView>) => void;
  readonly closed: Signal<ReadonlySet<string>>;
}

/** The fleet as the address says that it is looked at. */
export function useFleet(): FleetOnPage {
  const { url, route } = useLocation();
  const view = fleetViewOf(url.includes("?") ? url.slice(url.indexOf("?")) : "");
  const current = useSignal(view);
  const address = fleetQuery(view);
  if (fleetQuery(current.peek()) !== address) current.value = view;
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const read = useComputed(() => readWhere(current.value.where));
  // What does not read yet, because somebody is typing, changes nothing.
  const last = useSignal<DeviceChoice | undefined>(undefined);
  const arranged = useComputed(() => {
    void rowsVersion.value;
    const { state, sort, group } = current.value;
    const { choice, problem } = read.value;
    if (problem === undefined) queueMicrotask(() => (last.value = choice));
    const counts = problem === undefined ? choice : last.peek();
    return arrange(allRows(), {
      fits: counts?.fits,
      state,
      withRetired: counts?.comparisons.some(({ name }) => name === "retired") ?? false,
      sort: sort === "" ? undefined : parseSort(sort),
      group: group === "" ? undefined : group,
      closed: closed.value,
    });
  });
  const { columns, sort, group } = view;
  const named = (read.value.choice?.comparisons ?? []).map(({ name }) => name);
  const sorted = parseSort(sort).column;
  const wanted = [...columns, ...named, sorted === "cpu" ? "" : sorted, group].filter((name) => name !== "");
  const names = [...new Set(wanted)].join();
  useEffect(() => follow(names === "" ? [] : names.split(",")), [names]);
  const show = (changes: Partial<FleetView>): void =>
    route(`/${fleetQuery({ ...fleetViewOf(location.search), ...changes })}`, true);
  return { view, arranged, problem: read.value.problem, show, closed };
}

function readWhere(where: string): Read {
  if (where.trim() === "") return {};
  try {
    const choice = parseChoice(where);
    const known = new Set([...deviceNames, plainName, ...filterNames.value.map(({ name }) => name)]);
    const wrong = filterNames.value.length === 0 ? undefined : choice.comparisons.find(({ name }) => !known.has(name));
    return wrong
      ? {
          choice,
          problem: t("No device tells “{name}” (character {value}).", { name: wrong.name, value: wrong.at + 1 }),
        }
      : { choice };
  } catch (error) {
    const { message } = error as Error;
    return { problem: `${message.slice(0, 1).toUpperCase()}${message.slice(1)}` };
  }
}
