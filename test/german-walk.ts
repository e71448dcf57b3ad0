/// <reference lib="dom" />
import type { Page } from "playwright-core";
import { german } from "../web/language/german.ts";

/** Words that German does not have: one of them in a text says that it is English. */
const english =
  "the|of|and|is|are|with|for|from|has|have|by|since|each|when|what|which|yes|ago|this|that|its|not|to|waiting|failed|done|running|" +
  "succeeded|queued|refused|stored|never|devices|samples|every|begun|next|out|commands|starts|gaps";

/** English texts that read otherwise in German, as they stand. */
const left = Object.entries(german).flatMap(([text, own]) => (own === text || text.includes("{") ? [] : [text]));

/** What an English text of another meaning reads as: "Last" is a load. */
const own: ReadonlySet<string> = new Set(Object.values(german));

/** What is shown or heard of a page and is English; what says of itself that it is, as a sentence of the console, may be. */
export async function englishOn(page: Page): Promise<string[]> {
  const texts = await page.evaluate(textsOf);
  const [words, whole] = [new RegExp(`(^|[^\\p{L}_.-])(${english})($|[^\\p{L}_-])`, "iu"), new Set(left)];
  return [...new Set(texts)].filter((text) => (whole.has(text) && !own.has(text)) || words.test(text));
}

/** Runs in the page. */
function textsOf(): string[] {
  const found: string[] = [];
  const data = "option:not([value]), [data-own]";
  const own = 'code, kbd, pre, script, style, noscript, datalist, [lang="en"]';
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node: Node | null = walker.currentNode; node; node = walker.nextNode()) {
    const at = node instanceof Element ? node : node.parentElement;
    if (!at || at.closest(own) || at.closest(data)) continue;
    // What somebody chooses by its own name is data.
    if (at instanceof HTMLOptionElement && at.value === at.textContent) continue;
    if (node instanceof Element)
      for (const name of ["aria-label", "title", "placeholder", "alt"]) found.push(node.getAttribute(name) ?? "");
    else found.push(node.textContent ?? "");
  }
  return found
    .map((text) => text.replaceAll(/\s+/g, " ").trim())
    .filter((text) => /\p{L}{2}/u.test(text) && !/ [<>=] /.test(text));
}
