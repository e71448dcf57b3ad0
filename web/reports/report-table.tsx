import type { JSX } from "preact";
import type { ReportSection } from "#shared/report-text";
import { word } from "../language/text.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";

/** A part of a report as a table. */
export function ReportTable({ section: { title, head, rows, words, links } }: { section: ReportSection }): JSX.Element {
  const name = word(title);
  return (
    <div class="panel scroll told" tabIndex={0} role="group" aria-label={name}>
      <MatrixTable>
        <thead>
          <tr>
            {head.map((one, column) => (
              <th key={column} scope="col">
                {one === "" ? <span class="visually-hidden">{word(column === 0 ? "what" : "trend")}</span> : word(one)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            <tr key={at}>
              {row.map((cell, column) => {
                const text = words?.includes(column) ? word(cell) : cell;
                const path = links?.column === column ? links.paths[at] : undefined;
                const shown = path === undefined ? text : <a href={path}>{text}</a>;
                return column === 0 ? (
                  <th key={column} scope="row" class="wrap">
                    {shown}
                  </th>
                ) : (
                  <td key={column} class={column === row.length - 1 ? "wrap" : undefined}>
                    {shown}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
