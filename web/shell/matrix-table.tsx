import type { ComponentChildren, JSX } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

interface MatrixTableProps {
  readonly children: ComponentChildren;
  readonly "data-testid"?: string;
}

/** A table that a phone shows as a card for each row, because it is too narrow for the columns: then each cell says by its column what it is. */
export function MatrixTable({ children, ...attributes }: MatrixTableProps): JSX.Element {
  const table = useRef<HTMLTableElement>(null);
  useLayoutEffect(() => {
    // What has a name for the ear alone needs none beside its cells either.
    const names = [...(table.current?.tHead?.rows[0]?.cells ?? [])].map((cell) =>
      cell.querySelector(".visually-hidden") ? "" : (cell.textContent ?? ""),
    );
    for (const { cells } of table.current?.tBodies[0]?.rows ?? [])
      // A cell of a row's whole width is no column's.
      for (const [at, cell] of cells.length === 1 ? [] : [...cells].entries()) cell.dataset["label"] = names[at] ?? "";
  });
  return (
    <table ref={table} class="matrix" {...attributes}>
      {children}
    </table>
  );
}
