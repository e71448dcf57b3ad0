/// <reference lib="dom" />
import type { Locator, Page } from "playwright-core";
import * as assert from "uvu/assert";

/** Steps by Tab, more than any of these dialogs has places to stop at. */
const steps = 8;

/** Where a dialog is opened, and by which button. */
const dialogs: readonly (readonly [place: string, opener: string | RegExp])[] = [
  ["/people", "Remove the account eve"],
  ["/notifications", "Remove the channel topic"],
  ["/alerts/rules/edit?name=MemoryInUse", "Delete"],
  ["/devices/rpi-7", "Retire rpi-7"],
];

/** Every kind of dialog by keyboard alone: Enter opens it, Tab stays within it, Escape closes it, and the focus is where it was. */
export async function walkDialogs(page: Page, url: string): Promise<void> {
  await page.setViewportSize({ width: 1_280, height: 900 });
  for (const [place, name] of dialogs) {
    await page.goto(url + place);
    const opener = page.getByRole("button", { name, exact: true });
    await opener.focus();
    await page.keyboard.press("Enter");
    await stayWithin(page, `${place}: ${name}`);
    await page.keyboard.press("Escape");
    await givenBack(page, opener, `${place}: ${name}`);
  }
  await walkPalette(page, url);
}

/** By its keys alone: the same ones close it again, and Escape does; Enter goes where the arrows have led. */
async function walkPalette(page: Page, url: string): Promise<void> {
  await page.goto(url);
  const before = page.getByTestId("fleet-ask");
  for (const close of ["Control+k", "Escape"]) {
    await before.focus();
    await page.keyboard.press("Control+k");
    await stayWithin(page, "the palette");
    await page.getByTestId("palette-words").focus();
    await page.keyboard.type("heal");
    await page.keyboard.press(close);
    await givenBack(page, before, `the palette, by ${close}`);
  }
  await page.keyboard.press("?");
  await stayWithin(page, "the keys");
  await page.keyboard.press("Escape");
  await givenBack(page, before, "the keys");
  await page.keyboard.press("Control+k");
  await page.getByTestId("palette-words").waitFor();
  await page.keyboard.type("set");
  await page.keyboard.press("ArrowDown");
  const chosen = page.locator('#palette-list [aria-selected="true"]');
  const text = await chosen.innerText();
  assert.is(
    await page.getByTestId("palette-words").getAttribute("aria-activedescendant"),
    await chosen.getAttribute("id"),
  );
  await page.keyboard.press("Enter");
  await page.getByTestId("palette").waitFor({ state: "detached" });
  await page.waitForURL(/set/);
  assert.match(text, /^Set/);
}

async function stayWithin(page: Page, what: string): Promise<void> {
  const dialog = page.locator("dialog[open]");
  await dialog.waitFor();
  await page.waitForFunction(() => document.querySelector("dialog[open]")?.contains(document.activeElement));
  for (const key of ["Tab", "Shift+Tab"])
    for (let step = 0; step < steps; step += 1) {
      await page.keyboard.press(key);
      // Past its last place a browser goes to what is around the page, which is nobody's trap.
      const isWithin = await page.evaluate(
        () => document.activeElement === document.body || !!document.activeElement?.closest("dialog[open]"),
      );
      assert.ok(isWithin, `${what}: the focus leaves the dialog`);
    }
}

async function givenBack(page: Page, opener: Locator, what: string): Promise<void> {
  await page.locator("dialog").waitFor({ state: "detached" });
  assert.ok(await opener.evaluate((one) => one === document.activeElement), `${what}: the focus is somewhere else`);
}
