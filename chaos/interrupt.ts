/**
 * Resolves with `work`, or at once when `signal` aborts: nobody waits for what is under way then, and what becomes of it is nobody's
 * business any more.
 */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T | undefined> {
  if (signal.aborted) {
    work.catch(() => {});
    return undefined;
  }
  let give: () => void = () => {};
  const aborted = new Promise<undefined>((resolve) => (give = () => resolve(undefined)));
  signal.addEventListener("abort", give, { once: true });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener("abort", give);
    if (signal.aborted) work.catch(() => {});
  }
}
