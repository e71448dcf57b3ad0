/** Fields and the positions of their values in a line. */
type Positions = readonly (readonly [field: string, position: number])[];

/**
 * Reads /proc/net/snmp and its like, which hold two lines a protocol: `Tcp: names…` and `Tcp: values…`.
 * @param fieldOf what a protocol's name and a column's become together; undefined for what is not wanted
 */
export function tableReader(
  fieldOf: (protocol: string, column: string) => string | undefined,
): (text: string) => Record<string, number> {
  /** By line of names, which is the same until the next kernel. */
  const known = new Map<string, Positions>();
  return (text) => {
    const fields: Record<string, number> = {};
    const lines = text.split("\n");
    for (let at = 0; at + 1 < lines.length; at += 2) {
      const names = lines[at] ?? "";
      const positions = known.get(names) ?? positionsIn(names, fieldOf);
      known.set(names, positions);
      if (positions.length === 0) continue;
      const values = lines[at + 1]?.split(" ") ?? [];
      for (const [field, position] of positions) fields[field] = Number(values[position] ?? Number.NaN);
    }
    return fields;
  };
}

function positionsIn(line: string, fieldOf: Parameters<typeof tableReader>[0]): Positions {
  const [protocol = "", ...columns] = line.trimEnd().split(" ");
  return columns.flatMap((column, at) => {
    const field = fieldOf(protocol.replace(":", ""), column);
    return field === undefined ? [] : [[field, at + 1] as const];
  });
}
