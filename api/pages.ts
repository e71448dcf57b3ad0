/**
 * All of a list that comes in pages, a page after the other.
 * @param get one page, from `next` of the page before on; the first without one
 */
export async function* pages<P extends { readonly next?: string | null }>(
  get: (place: string | undefined) => Promise<P>,
): AsyncGenerator<P, void, void> {
  for (let place: string | undefined; ;) {
    const page = await get(place);
    yield page;
    // A console of before there were pages says nothing of a next one.
    if (page.next === null || page.next === undefined) return;
    place = page.next;
  }
}
