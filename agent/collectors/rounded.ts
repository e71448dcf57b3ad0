/**
 * A share or a mean to three decimals, its numbers all 1,000ths: the kernel counts in hundredths of a second and whole
 * milliseconds, so what a division gives beyond that is no measurement. But it would cost 9 bytes a value on the wire instead of
 * 2 or 3, and more in the store.
 */
export function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
