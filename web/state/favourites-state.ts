import { signal } from "@preact/signals";
import type { FavouritesDocument, KeptCommandDocument, KeptViewDocument } from "#api/favourite-routes";
import { Newest } from "./newest.ts";
import { client } from "./page-client.ts";
import { session } from "./session-state.ts";

const none: FavouritesDocument = { commands: [], views: [] };
const known = signal<FavouritesDocument>(none);
const reads = new Newest();

/** Commands that somebody has kept, by name. */
export const keptCommands = (): readonly KeptCommandDocument[] => known.value.commands;
/** Views of the fleet that somebody has kept, by name. */
export const keptViews = (): readonly KeptViewDocument[] => known.value.views;

/** Asks the console, which has them for each account. What cannot be fetched is not offered: the page says elsewhere what is wrong. */
export async function fetchFavourites(): Promise<void> {
  try {
    await readAnew();
    await moveLocalViews();
  } catch {
    // They are asked for again with the next connection.
  }
}

/** Of two that are under way the later one knows better. */
async function readAnew(): Promise<void> {
  const isNewest = reads.begin();
  const read = await client.listFavourites();
  if (isNewest()) known.value = read;
}

export function forgetFavourites(): void {
  reads.forget();
  known.value = none;
}

/** Keeps, or forgets, and shows what is kept then. @throws Error with the console's sentence */
export async function changeFavourites(change: () => Promise<unknown>): Promise<void> {
  await change();
  await readAnew();
}

/** Where an earlier version of this page kept views, in the browser. */
const localPlace = (): string => `muster-views-${session.peek()?.name ?? ""}`;

/** What this browser still has goes to the console, once; of two of one name the console's stays. */
async function moveLocalViews(): Promise<void> {
  const place = localPlace();
  const local = localStorage.getItem(place);
  if (local === null) return;
  const names = new Set(keptViews().map(({ name }) => name));
  for (const { name, query } of readLocal(local)) if (!names.has(name)) await client.keepView(name, { query });
  localStorage.removeItem(place);
  await readAnew();
}

function readLocal(text: string): readonly KeptViewDocument[] {
  try {
    const kept: unknown = JSON.parse(text);
    if (!Array.isArray(kept)) return [];
    return (kept as Partial<KeptViewDocument>[]).flatMap(({ name, query }) =>
      typeof name === "string" && name.trim() !== "" && typeof query === "string" ? [{ name, query }] : [],
    );
  } catch {
    return [];
  }
}
