import type { JSX } from "preact";
import type { Tracked } from "../state/fleet-state.ts";
import { valueTables, type ValueTable } from "./value-tables.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { Ago } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** Every newest value of a device, a small table for each measurement. */
export function ValuesSection({ tracked }: { tracked: Tracked }): JSX.Element {
  const tables = valueTables(tracked.latest.value, tracked.looks.value);
  if (tables.length === 0) return <p class="hint">{t("No values yet.")}</p>;
  return (
    <div class="values">
      {tables.map((table) => (
        <section key={table.measurement} class="panel">
          <header class="panel-head">
            <h3 title={table.description}>{table.title}</h3>
            <span class="muted">
              <Ago ts={table.ts} />
            </span>
          </header>
          {table.rows.length === 1 ? <Pairs table={table} /> : <Matrix table={table} />}
        </section>
      ))}
    </div>
  );
}

function Pairs({ table: { fields, titles, rows } }: { table: ValueTable }): JSX.Element {
  const [row] = rows;
  return (
    <dl class="value-pairs">
      {row?.name && (
        <div class="series-name">
          <dt data-own>{row.name}</dt>
        </div>
      )}
      {fields.map((field, index) => (
        <div key={field}>
          <dt title={titles[index]?.description} data-own>
            {titles[index]?.title}
          </dt>
          <dd>{row?.cells[index]}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Wider than a phone, so it scrolls by itself: hence focusable. */
function Matrix({ table: { measurement, fields, titles, rows } }: { table: ValueTable }): JSX.Element {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={t("Values of {measurement}", { measurement })}>
      <MatrixTable>
        <thead>
          <tr>
            <th scope="col">
              <span class="visually-hidden">{t("Series")}</span>
            </th>
            {fields.map((field, index) => (
              <th key={field} scope="col" title={titles[index]?.description} data-own>
                {titles[index]?.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, cells }) => (
            <tr key={name}>
              <th scope="row" data-own>
                {name || "–"}
              </th>
              {cells.map((cell, index) => (
                <td key={fields[index]}>{cell}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </MatrixTable>
    </div>
  );
}
