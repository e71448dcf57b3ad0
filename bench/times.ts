/** What rounds took, in milliseconds each, and the microseconds of CPU a round of the process that was watched. */
export interface Taken {
  readonly times: readonly number[];
  readonly cpu: number;
}

/** Rounds one after the other. Before those that count, a tenth as many that do not. */
export async function timesOf(
  count: number,
  round: () => Promise<void>,
  cpu: () => number | Promise<number> = ownCpu,
): Promise<Taken> {
  for (let turn = 0; turn < count / 10; turn++) await round();
  const before = await cpu();
  const times: number[] = [];
  for (let turn = 0; turn < count; turn++) {
    const began = performance.now();
    await round();
    times.push(performance.now() - began);
  }
  return { times, cpu: ((await cpu()) - before) / count };
}

function ownCpu(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}
