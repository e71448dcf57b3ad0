import { signal } from "@preact/signals";

/** Colours for the canvas, which cannot read CSS: taken from the tokens, again when the scheme changes. */
export interface ChartTheme {
  readonly text: string;
  /** What is written upon a colour. */
  readonly strong: string;
  /** Of gaps and starts. */
  readonly bad: string;
  readonly grid: string;
  /** Behind all, where no page is. */
  readonly surface: string;
  readonly lines: readonly string[];
  readonly font: string;
}

/** Line colours in tokens.css: `--line-0` … `--line-7`. */
const lineColours = 8;

function read(): ChartTheme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(name).trim();
  return {
    text: token("--text-3"),
    strong: token("--text"),
    bad: token("--bad"),
    grid: token("--grid"),
    surface: token("--surface"),
    lines: Array.from({ length: lineColours }, (_, index) => token(`--line-${index}`)),
    font: `11px ${token("--sans")}`,
  };
}

export const chartTheme = signal(read());

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (chartTheme.value = read()));

/** Of what is there to be compared with. @param colour with six digits */
export const paler = (colour: string): string => `${colour}99`;

/** The colour's number of the `index`-th line. */
export const colourOf = (index: number): number => index % lineColours;
