import type { AlertDocument } from "#api/alert-routes";
import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { client } from "../state/page-client.ts";
import { listCommands, takeCommands } from "../state/command-state.ts";
import type { Tracked } from "../state/fleet-state.ts";
import { generation } from "../state/live-state.ts";
import { latestValue } from "../state/latest.ts";
import { listOpenAlerts } from "../state/open-alerts.ts";
import { now } from "../state/now.ts";
import { useAnswer } from "../state/use-answer.ts";
import type { ChartView } from "./chart-view.ts";
import {
  alertOccasions,
  commandOccasions,
  gapOccasions,
  maxMarks,
  rebootsIn,
  within,
  type Occasion,
} from "./occasions.ts";
import { stepFor } from "./time-ranges.ts";

/** What happened to a device in the time that its charts show. What cannot be fetched is not marked: the page says elsewhere what is wrong. */
export function useOccasions(tracked: Tracked, view: ChartView): readonly Occasion[] {
  const { id: device } = tracked.presence.value;
  const fetched = useSignal<readonly Occasion[]>([]);
  const { span, to } = view;
  const boots = latestValue(tracked.latest.value, "kernel", "boot_time") !== undefined;

  useEffect(() => {
    void client.listCommands({ device, limit: maxMarks }).then(
      ({ commands }) => takeCommands(commands),
      () => {},
    );
  }, [device, generation.value]);

  const over = useOverAlerts(device);

  useEffect(() => {
    let current = true;
    const range = to === undefined ? { from: `-${span / 1_000}s`, to: "now" } : { from: `${to - span}`, to: `${to}` };
    const gaps = client.getCompleteness(device).then((known) => gapOccasions(known.gaps));
    const starts = !boots
      ? Promise.resolve([])
      : client
          .getHistory(device, {
            measurement: "kernel",
            field: "boot_time",
            ...range,
            every: `${stepFor(span) / 1_000}s`,
          })
          .then(({ series }) => series.flatMap(({ points }) => rebootsIn(points)));
    void Promise.allSettled([gaps, starts]).then((answers) => {
      if (current) fetched.value = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    });
    return () => void (current = false);
  }, [device, span, to, boots, generation.value, tracked.missing.value, tracked.presence.value.boot]);

  // Not each second: what is new comes with a command, a sample or another fetch.
  const end = to ?? now.peek();
  const alerts = alertOccasions([...listOpenAlerts().filter((one) => one.device === device), ...over]);
  const marked = within([...alerts, ...commandOccasions(listCommands(device)), ...fetched.value], end - span, end);
  const known = useRef(marked);
  // The same list where nothing has changed, or every chart would be drawn anew.
  if (JSON.stringify(known.current) !== JSON.stringify(marked)) known.current = marked;
  return known.current;
}

const none: readonly AlertDocument[] = [];

/** Alerts of a device that are over, the newest; asked for anew where one of its own has ended. */
function useOverAlerts(device: string): readonly AlertDocument[] {
  const open = listOpenAlerts().flatMap((one) => (one.device === device ? one.id : []));
  const { answer } = useAnswer(
    async () => (await client.listAlerts({ state: "over", device, limit: maxMarks })).alerts,
    [device, generation.value, open.join()],
  );
  return answer.value ?? none;
}
