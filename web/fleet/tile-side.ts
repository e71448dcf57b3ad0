/** Pixels of a tile's side: no smaller than one can point at, and on the page no larger than a row of the list. */
export const tileSides = { least: 10, most: 44, mostOnWall: 240 } as const;

/**
 * Pixels of a tile's side with which so many fit into a room, as large as may be.
 * @param room pixels that they have
 * @param most pixels
 */
export function tileSide(count: number, room: { width: number; height: number }, most: number): number {
  for (let side = Math.floor(Math.min(most, room.width, room.height)); side > tileSides.least; side--)
    if (Math.floor(room.width / side) * Math.floor(room.height / side) >= count) return side;
  return tileSides.least;
}

/** What part of the width each group has: by how many it is of, and wide enough for a name. */
export function groupShares(counts: readonly number[]): readonly number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const weights = counts.map((count) => Math.max(count, total / 12));
  const whole = weights.reduce((sum, weight) => sum + weight, 0);
  return weights.map((weight) => (whole > 0 ? weight / whole : 1));
}
