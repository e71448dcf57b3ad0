import { systemCalls, type Calls } from "#disk/calls";

/** What is thrown in the place of a process that is gone. */
class Killed extends Error {}

/**
 * Does work as a process does that is killed before its call number `at` of those that make a file last in `directory`: from there on nothing
 * happens any more, whatever the work still tries; of a write, half has happened. Whoever else is at work in this process goes on.
 * @returns whether it came as far as that @throws what the work throws by itself
 */
export async function killedAt(at: number, directory: string, work: () => unknown): Promise<boolean> {
  const before = { ...systemCalls };
  const own = new Set<number>();
  let count = 0;
  const isOwn = (first: unknown): boolean =>
    typeof first === "number" ? own.has(first) : String(first).startsWith(directory);
  const wrapped = Object.entries(before).map(([name, inner]) => {
    const call = inner as (...given: unknown[]) => unknown;
    return [
      name,
      (...given: unknown[]): unknown => {
        if (!isOwn(given[0])) return call(...given);
        count += 1;
        if (count === at && name === "write") call(given[0], (given[1] as Buffer).subarray(0, 20));
        // A file that was open is closed with its process.
        if (count >= at && name !== "close") throw new Killed("killed");
        // What a kill leaves was not synced either, and a disk that others want takes its time.
        if (name === "sync" || name === "datasync") return undefined;
        const result = call(...given);
        if (name === "open" || name === "openDirectory") own.add(result as number);
        if (name === "close") own.delete(given[0] as number);
        return result;
      },
    ];
  });
  Object.assign(systemCalls, Object.fromEntries(wrapped) as unknown as Calls);
  try {
    await work();
  } catch (error) {
    if (count < at) throw error;
  } finally {
    Object.assign(systemCalls, before);
  }
  return count >= at;
}
