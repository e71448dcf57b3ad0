/** Entries that the palette offers at once: what is on a small screen without scrolling. One more letter says which. */
export const maxPaletteEntries = 12;
