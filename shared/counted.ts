/** A count and what it counts: `1 device`, `2 devices`. @param many of which word, where that is not the one with an s */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
