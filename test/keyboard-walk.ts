/// <reference lib="dom" />
import type { Page } from "playwright-core";

/** Steps at most: a page has fewer places to stop at, or is a trap. */
const most = 150;

/** Where the focus is: what it is called, where in the document it stands, and whether it can be seen there. */
interface Stop {
  readonly name: string;
  readonly place: number;
  readonly seen: boolean;
}

/**
 * Goes through a page by Tab alone, from its top until the focus leaves it.
 * @returns what is wrong: a stop that is not seen, one that stands before the one before, no end
 */
export async function walkByKeyboard(page: Page): Promise<string[]> {
  await page.evaluate(fromTheTop);
  const found: string[] = [];
  let before: Stop | undefined;
  for (let step = 0; step < most; step += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(whereItIs);
    if (stop === undefined) return step === 0 ? ["nothing takes the focus"] : found;
    if (!stop.seen) found.push(`the focus is not seen on ${stop.name}`);
    if (before && stop.place <= before.place) {
      // Round again, past the end.
      if (stop.place === 0 || step > 5) return found;
      found.push(`${stop.name} comes after ${before.name}, and stands before it`);
    }
    before = stop;
  }
  return [...found, `no end after ${most} steps, at ${before?.name ?? "nothing"}`];
}

/** Runs in the page. */
function fromTheTop(): void {
  (document.activeElement as HTMLElement | null)?.blur();
  window.scrollTo(0, 0);
  getSelection()?.removeAllRanges();
}

/** Runs in the page. */
function whereItIs(): Stop | undefined {
  const at = document.activeElement;
  if (!at || at === document.body || at === document.documentElement) return undefined;
  const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
  const { width, height, bottom, top } = at.getBoundingClientRect();
  const marked = (outlineStyle !== "none" && outlineWidth !== "0px") || boxShadow !== "none";
  const inSight = width > 0 && height > 0 && bottom > 0 && top < innerHeight;
  const all = [...document.querySelectorAll("*")];
  const name = `${at.tagName.toLowerCase()} "${(at.getAttribute("aria-label") ?? at.textContent ?? at.id).trim().slice(0, 40)}"`;
  return { name, place: all.indexOf(at), seen: marked && inSight };
}
