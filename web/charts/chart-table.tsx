import type { JSX } from "preact";
import { formatMoment } from "../format/moment.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { titleOf, type Panel } from "./panels.ts";
import { tableRows } from "./spoken.ts";
import type { Frame } from "./window.ts";
import { t } from "../language/text.ts";

/** The values that a chart shows, to be read. It scrolls by itself: hence focusable. */
export function ChartTable({ id, panel, frame }: { id: string; panel: Panel; frame: Frame }): JSX.Element {
  const { rows, more } = tableRows(panel.unit, frame);
  const upTo = frame.last ?? frame.to;
  return (
    <div
      id={id}
      class="chart-table"
      tabIndex={0}
      role="region"
      aria-label={t("Values of {title}", { title: titleOf(panel) })}
    >
      <MatrixTable>
        <caption>
          {t("{title} up to {moment}", { title: titleOf(panel), moment: formatMoment(upTo, frame.to) })}
          {more > 0 && t("; {count} older moment in the CSV|; {count} older moments in the CSV", { count: more })}
        </caption>
        <thead>
          <tr>
            <th scope="col">{t("Time")}</th>
            {frame.lines.map(({ name }) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ ts, cells }) => (
            <tr key={ts}>
              <th scope="row">{formatMoment(ts, frame.to)}</th>
              {cells.map((cell, index) => (
                <td key={frame.lines[index]?.name}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
