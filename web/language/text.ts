import { signal } from "@preact/signals";
import { Newest } from "../state/newest.ts";
import type { german } from "./german.ts";

/** Every text of the page: English is what stands in the code, and a text that German lacks does not compile. */
export type Text = keyof typeof german;

/** The languages that there are, each by its own name. */
export const languages = [
  ["en", "English"],
  ["de", "Deutsch"],
] as const;
export type Language = (typeof languages)[number][0];

/** In which the page speaks. */
export const language = signal<Language>("en");
/** Translations, fetched when they are wanted; English needs none. */
const table = signal<Readonly<Partial<Record<Text, string>>>>({});

const choices = new Newest();

/** Under which the browser keeps it. */
const keptUnder = "muster.language";

/** How dates and numbers are written. */
const locales: Readonly<Record<Language, string>> = { en: "en-GB", de: "de-DE" };

/** As `Intl` takes it. */
function locale(): string {
  return locales[language.value];
}

/** What `Intl` makes for a language, made once for each: to make one costs more than to use it a hundred times. */
export function inLocale<F>(make: (of: string) => F): () => F {
  const made = new Map<string, F>();
  return () => {
    const of = locale();
    const known = made.get(of) ?? make(of);
    made.set(of, known);
    return known;
  };
}

const fixed = Array.from({ length: 21 }, (_, digits) =>
  inLocale(
    (of) =>
      new Intl.NumberFormat(of, {
        minimumFractionDigits: digits,
        maximumFractionDigits: digits,
        useGrouping: false,
      }),
  ),
);

/** A number with so many digits behind the point, or the comma. */
export function decimals(value: number, digits: number): string {
  return fixed[digits]?.().format(value) ?? String(value);
}

const significant = (notation: "standard" | "scientific"): (() => Intl.NumberFormat) =>
  inLocale((of) => new Intl.NumberFormat(of, { maximumSignificantDigits: 3, useGrouping: false, notation }));
const [written, scientific] = [significant("standard"), significant("scientific")];

/** A small number with three digits that say something: 0.00123, 2e-9. */
export function smallNumber(value: number): string {
  return Math.abs(value) < 1e-6 ? scientific().format(value).replace("E", "e") : written().format(value);
}

/**
 * A text in the page's language. It is looked up each time, so that a component that shows it is drawn anew when the language changes: never at the
 * level of a module, where that happens once.
 * @param text English, with `{name}` for what is put in; `{count} thing|{count} things` has a form for each number of `count`
 */
export function t(text: Text, values?: Readonly<Record<string, string | number>>): string {
  return pieces(text, values).join("");
}

/** A word of a table of the code: a column, a state, a role. What German does not have stays as it is. */
export function word(text: string): string {
  return table.value[text as Text] ?? text;
}

function pieces<V>(text: Text, values: Readonly<Record<string, V>> = {}): (V | string)[] {
  const found = table.value[text] ?? text;
  const count = values["count"];
  const chosen = typeof count === "number" ? formFor(found, count) : found;
  return chosen.split(/\{(\w+)\}/).map((piece, at) => {
    if (at % 2 === 0) return piece;
    const value = values[piece];
    if (value === undefined) return `{${piece}}`;
    return typeof value === "number" ? wholeNumber().format(value) : value;
  });
}

/** Of "one|other" the form that this many things have. */
function formFor(text: string, count: number): string {
  const [one = "", other = one] = text.split("|");
  return plurals().select(count) === "one" ? one : other;
}

const plurals = inLocale((of) => new Intl.PluralRules(of));
const wholeNumber = inLocale((of) => new Intl.NumberFormat(of, { useGrouping: "min2", maximumFractionDigits: 3 }));

/** Speaks another language from now on, and the next time. Where its texts cannot be had the page stays as it is. */
export async function speak(wanted: Language): Promise<void> {
  if (!(await load(wanted))) return;
  try {
    localStorage.setItem(keptUnder, wanted);
  } catch {
    // A browser that keeps nothing.
  }
}

/** Speaks what was chosen here before, or else what the browser asks for. */
export async function speakAsBefore(): Promise<void> {
  const before = chosenBefore();
  const wanted = languages.find(([id]) => id === before || (before === null && navigator.language.startsWith(id)));
  await load(wanted?.[0] ?? "en");
}

function chosenBefore(): string | null {
  try {
    return localStorage.getItem(keptUnder);
  } catch {
    return null;
  }
}

async function load(wanted: Language): Promise<boolean> {
  const isNewest = choices.begin();
  try {
    const found = wanted === "de" ? (await import("./german.ts")).german : {};
    // Another one was chosen while it was on its way.
    if (!isNewest()) return false;
    table.value = found;
  } catch {
    return false;
  }
  language.value = wanted;
  document.documentElement.lang = wanted;
  return true;
}
