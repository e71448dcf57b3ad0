/**
 * Characters of one answer that lists devices at most: a page ends there. What devices say about themselves can have 32 KiB each, and
 * 60 MB for a large fleet would hold everything up for seconds.
 */
export const longestPage = 512 * 1024;

/** A list as JSON, item by item until there is no more room; at least one. @returns the items' text, and how many they are */
export function pageOf<T>(items: readonly T[], document: (item: T) => unknown): { text: string; count: number } {
  const texts: string[] = [];
  let room = longestPage;
  for (const item of items) {
    const text = JSON.stringify(document(item));
    room -= text.length;
    if (room < 0 && texts.length > 0) break;
    texts.push(text);
  }
  return { text: `[${texts.join(",")}]`, count: texts.length };
}
