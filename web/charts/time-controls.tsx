import type { JSX } from "preact";
import { formatExact, formatMoment, formatWhole } from "../format/moment.ts";
import { now } from "../state/now.ts";
import { panned, zoomed, type ChartView } from "./chart-view.ts";
import { near, countOccasions, type Occasion } from "./occasions.ts";
import { ranges } from "./time-ranges.ts";
import { At } from "../format/when.tsx";
import { t } from "../language/text.ts";

interface ControlsProps {
  readonly view: ChartView;
  readonly onView: (view: ChartView) => void;
}

/** Earlier, later, nearer, farther, and the usual ranges, which follow the present. All of it by keyboard, too. */
export function TimeControls({ view, onView }: ControlsProps): JSX.Element {
  const steps = [
    ["earlier", "←", t("Earlier"), () => panned(view, -0.5, now.peek())],
    ["later", "→", t("Later"), () => panned(view, 0.5, now.peek())],
    [
      "nearer",
      "+",
      t("Nearer: half the time. Dragging over a chart chooses a time"),
      () => zoomed(view, 0.5, now.peek()),
    ],
    ["farther", "−", t("Farther: twice the time"), () => zoomed(view, 2, now.peek())],
  ] as const;
  return (
    <div class="time-controls">
      <div class="segments" role="group" aria-label={t("Move in time")}>
        {steps.map(([name, sign, title, next]) => (
          <button
            key={name}
            type="button"
            title={title}
            aria-label={title}
            data-testid={`time-${name}`}
            onClick={() => onView(next())}
          >
            {sign}
          </button>
        ))}
      </div>
      <div class="segments" role="group" aria-label={t("Time range, up to now")}>
        {ranges.map(({ name, span }) => (
          <button
            key={name}
            type="button"
            aria-pressed={view.to === undefined && view.span === span}
            data-testid={`range-${name}`}
            onClick={() => onView({ span })}
          >
            {name}
          </button>
        ))}
      </div>
    </div>
  );
}

interface MomentProps {
  readonly view: ChartView;
  /** That is pointed at. */
  readonly moment: number | undefined;
  readonly occasions: readonly Occasion[];
}

/** The moment that is pointed at, exactly, with what happened there; else the time that is shown, and what is marked in it. */
export function Moment({ view: { span, to }, moment, occasions }: MomentProps): JSX.Element {
  const present = now.value;
  if (moment !== undefined) {
    const here = near(occasions, moment, span);
    return (
      <p class="chart-moment">
        <b title={formatWhole(moment)}>{formatMoment(moment, present)}</b>
        {here.map(({ kind, from, to: end, text }) => (
          <span key={`${kind} ${from} ${text}`} class={kind}>
            {formatExact(from).slice(0, 8)}
            {end === Infinity
              ? ` ${t("and it lasts")}`
              : end > from && t(" to {value}", { value: formatExact(end).slice(0, 8) })}{" "}
            {text}
          </span>
        ))}
      </p>
    );
  }
  const marked = countOccasions(occasions);
  return (
    <p class="chart-moment" data-testid="chart-moment">
      {to !== undefined && (
        <b>
          <At ts={to - span} /> {t("to")} <At ts={to} />
        </b>
      )}
      {marked && <span>{t("Marked: {marked}", { marked })}</span>}
      <span class="visually-hidden">
        {occasions.map(({ from, text }) => `${formatMoment(from, present)} ${text}`).join("; ")}
      </span>
    </p>
  );
}
