import { inLocale } from "../language/text.ts";
import type { ChartTheme } from "./theme.ts";
import { t } from "../language/text.ts";

/** What is written above a chart's picture: alone, it has no page around it that says of what and when it is. */
export interface PictureHead {
  readonly title: string;
  /** Epoch ms. */
  readonly from: number;
  readonly to: number;
  /** Each line's name with its value, and its colour where it has one. */
  readonly legend: readonly { readonly text: string; readonly colour?: string | undefined }[];
}

/** CSS pixels: around all, of a line of text, between two entries of the legend, and of a swatch with the room behind it. */
const [edge, lineHeight, apart, swatch] = [12, 18, 14, 13];

/** Always with the day: a picture is looked at on another one, and the axis has hours alone. */
const moment = inLocale((of) => new Intl.DateTimeFormat(of, { dateStyle: "medium", timeStyle: "medium" }));

/** The time that is shown, in the reader's zone. */
export const periodOf = ({ from, to }: Pick<PictureHead, "from" | "to">): string =>
  t("{from} to {to}", { from: moment().format(from), to: moment().format(to) });

/** Where entries of such widths stand in lines that are `room` wide. One that is wider has a line of its own. */
export function flow(
  widths: readonly number[],
  room: number,
): readonly { readonly x: number; readonly line: number }[] {
  let [x, line] = [0, 0];
  return widths.map((width) => {
    if (x > 0 && x + width > room) [x, line] = [0, line + 1];
    const place = { x, line };
    x += width + apart;
    return place;
  });
}

/** A chart's canvas as it is, with a head above it and the page's own colour behind, as PNG. */
export function pngOf(chart: HTMLCanvasElement, head: PictureHead, theme: ChartTheme): Promise<Blob> {
  const pixels = devicePixelRatio;
  const width = chart.width / pixels;
  const canvas = document.createElement("canvas");
  const measure = context(canvas);
  measure.font = theme.font;
  const widths = head.legend.map(({ text, colour }) => measure.measureText(text).width + (colour ? swatch : 0));
  const places = flow(widths, width);
  const lines = 2 + (places.length === 0 ? 0 : (places.at(-1)?.line ?? 0) + 1);
  const top = edge + lines * lineHeight;
  canvas.width = Math.ceil((width + 2 * edge) * pixels);
  canvas.height = Math.ceil((top + edge) * pixels) + chart.height;
  // A canvas of another size has forgotten what was set.
  const ctx = context(canvas);
  ctx.fillStyle = theme.surface;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.drawImage(chart, edge * pixels, top * pixels);
  ctx.scale(pixels, pixels);
  ctx.textBaseline = "middle";
  const write = (text: string, x: number, line: number, font: string, colour: string): void => {
    ctx.font = font;
    ctx.fillStyle = colour;
    ctx.fillText(text, edge + x, edge + (line + 0.5) * lineHeight, width - x);
  };
  write(head.title, 0, 0, theme.font.replace(/^\d+px/, "bold 13px"), theme.strong);
  write(periodOf(head), 0, 1, theme.font, theme.text);
  for (const [index, { text, colour }] of head.legend.entries()) {
    const { x, line } = places[index] ?? { x: 0, line: 0 };
    write(text, x + (colour ? swatch : 0), line + 2, theme.font, theme.strong);
    if (!colour) continue;
    ctx.fillStyle = colour;
    ctx.fillRect(edge + x, edge + (line + 2.5) * lineHeight - 4, 8, 8);
  }
  return new Promise((resolve, reject) =>
    canvas.toBlob(
      (blob) => (blob ? resolve(blob) : reject(new Error(t("the browser makes no picture of it")))),
      "image/png",
    ),
  );
}

function context(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  const found = canvas.getContext("2d");
  if (!found) throw new Error(t("the browser has no canvas to draw on"));
  return found;
}
