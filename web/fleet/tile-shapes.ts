import type { Liveness } from "#shared/liveness";

/** By tokens.css. What reports is as well as what is online, and told apart by its shape. */
export const tileColours: Readonly<Record<Liveness, string>> = {
  online: "--good",
  reporting: "--good",
  silent: "--wait",
  offline: "--bad",
};

interface Place {
  /** The left upper corner of the square that it has, pixels. */
  readonly x: number;
  readonly y: number;
  readonly side: number;
}

/** Adds a device's tile to those of its state: a square, a disc, a diamond or a triangle, which fleet.css has for the legend. */
export function addTile(path: Path2D, state: Liveness, { x, y, side }: Place): void {
  const half = side / 2;
  switch (state) {
    case "online":
      path.rect(x, y, side, side);
      return;
    case "reporting":
      path.moveTo(x + side, y + half);
      path.arc(x + half, y + half, half, 0, 2 * Math.PI);
      return;
    case "silent":
      addPolygon(path, [x + half, y], [x + side, y + half], [x + half, y + side], [x, y + half]);
      return;
    case "offline":
      addPolygon(path, [x, y], [x + side, y], [x + half, y + side]);
  }
}

function addPolygon(path: Path2D, [x, y]: readonly [number, number], ...rest: (readonly [number, number])[]): void {
  path.moveTo(x, y);
  for (const [toX, toY] of rest) path.lineTo(toX, toY);
  path.closePath();
}
