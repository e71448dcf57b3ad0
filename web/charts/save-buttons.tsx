import type { JSX } from "preact";
import { formatField, formatValue } from "../format/number.ts";
import { saveAsFile } from "../shell/save-file.ts";
import { csvOf } from "./csv.ts";
import { maxLegendLines, namedLines } from "./legend.ts";
import { titleOf, type Panel } from "./panels.ts";
import { pngOf, type PictureHead } from "./png.ts";
import { stateAt } from "./state-window.ts";
import { chartTheme, colourOf, paler, type ChartTheme } from "./theme.ts";
import type { Frame } from "./window.ts";
import { t } from "../language/text.ts";

interface SaveProps {
  readonly device: string;
  readonly panel: Panel;
  readonly frame: Frame;
  readonly canvas: () => HTMLCanvasElement | undefined;
}

/** What a chart shows, as a file: its values, or a picture of it. */
export function SaveButtons({ device, panel, frame, canvas }: SaveProps): JSX.Element {
  const title = `${device} ${titleOf(panel)}`;
  const nameOf = (kind: string): string => `${title}.${kind}`.replaceAll(/[^\p{L}\p{N}._ -]/gu, "_");
  const savePicture = async (): Promise<void> => {
    const theme = chartTheme.peek();
    const { from, to } = frame;
    const drawn = canvas();
    if (drawn)
      saveAsFile(nameOf("png"), await pngOf(drawn, { title, from, to, legend: legendOf(panel, frame, theme) }, theme));
  };
  const kinds = [
    ["CSV", () => saveAsFile(nameOf("csv"), csvOf(frame))],
    ["PNG", () => void savePicture()],
  ] as const;
  return (
    <>
      {kinds.map(([kind, save]) => (
        <button
          key={kind}
          type="button"
          class="csv"
          title={t("Save what this chart shows as {kind}", { kind })}
          aria-label={t("Save {title} as {kind}", { title: titleOf(panel), kind })}
          onClick={save}
        >
          {kind}
        </button>
      ))}
    </>
  );
}

/** As beside the chart, with the newest values. */
function legendOf(panel: Panel, frame: Frame, theme: ChartTheme): PictureHead["legend"] {
  if (panel.bands)
    return frame.lines.slice(0, maxLegendLines).map(({ name }, row) => {
      const state = stateAt(frame, row, Infinity);
      return { text: `${name} ${state === undefined ? "–" : formatField(state, "number")}` };
    });
  const { named, more } = namedLines(frame.lines, undefined);
  const lines = named.map(({ name, index, paler: isPaler, value }) => ({
    text: `${name} ${value === undefined ? "–" : formatValue(value, panel.unit)}`,
    colour: isPaler ? paler(theme.lines[colourOf(index)] ?? theme.text) : theme.lines[colourOf(index)],
  }));
  return more > 0 ? [...lines, { text: t("and {more} more, not higher", { more }) }] : lines;
}
