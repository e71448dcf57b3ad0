import { parseDeviceId, type DeviceId } from "#shared/ids";
import { draw, seedOf } from "../sim/random.ts";
import { SimulatedReleases, type SimulatedRelease, type UpdateFate } from "../sim/simulated-releases.ts";
import { RolloutCourt, type Ended } from "./rollout-court.ts";
import { startRolloutFleet, type RolloutFleet, type RolloutFleetOptions, type Said } from "./rollout-fleet.ts";

export interface DayOptions extends Pick<RolloutFleetOptions, "scope" | "interval" | "seed"> {
  readonly devices: number;
  /** The share of them that is faulty. */
  readonly faulty: number;
  /** Devices that are updated in a minute at most. */
  readonly perMinute: number;
  /** For how long a device has to hold the gate. */
  readonly hold: string;
  /** Milliseconds that the day has at least. */
  readonly lasts: number;
  readonly say: (line: string) => void;
}

/** What was seen of the day. */
export interface Day {
  /** What should not be: nothing. */
  readonly violations: readonly string[];
  /** Simulated milliseconds. */
  readonly lasted: number;
  readonly batches: number;
  readonly updated: number;
  /** By what was wrong with them. */
  readonly faulty: Readonly<Record<string, number>>;
}

const minute = 60_000;
const hour = 60 * minute;
/** Of the devices: those that are asleep when the last rollout begins, for so long at least; at most for half of it. */
const asleep = { share: 0.01, least: 5 * minute };
/** Somebody looks after the first ones: these go first, and are sound. */
const canaries = 3;
const kinds: readonly UpdateFate[] = ["crashes", "hangs", "full", "cut off", "gone"];

/**
 * A fleet's day with three releases: one that takes memory on every fifth device, which its gate stops and takes back; one that crashes on every third,
 * which stops by what has failed; and a sound one, for which some machines are too faulty, and some are asleep.
 */
export async function rolloutDay({ devices, faulty, hold, perMinute, lasts, say, ...rest }: DayOptions): Promise<Day> {
  const ids = Array.from({ length: devices }, (_, at) => parseDeviceId(`sim-${String(at + 1).padStart(5, "0")}`));
  const { first, hungry, broken, sound } = releasesOf(ids, rest.seed, faulty);
  const releases = new SimulatedReleases(first);
  const fleet = await startRolloutFleet({ ...rest, ids, releases });
  const court = new RolloutCourt(fleet, releases, ids);
  await fleet.until(
    "all devices",
    () => fleet.console.registry.list().filter(({ online }) => online).length === devices,
    hour,
  );
  // A gate is compared with values of devices that have had nothing yet.
  await fleet.pass(rest.interval + minute);
  const gate = `mem.used_percent < 90 and cpu.usage_idle > 5 for ${hold}`;
  const pace = ["--canary", String(canaries), "--rate", `${perMinute}/min`, "--timeout", "15m"];
  const flags = ["--all", ...pace, "--abort", "failed=20%,min=10", "--gate", gate];
  const roll = (release: SimulatedRelease, ...more: readonly string[]) => {
    releases.current = release;
    return rollOut(fleet, release, say, [...flags, ...more]);
  };

  const one = await roll(hungry);
  const had = court.stopped(one.job);
  court.gateNames(one.job, hungry.fateOf);
  const undoing = `${one.job.summary.id}u`;
  await fleet.until("all have gone back", () => fleet.console.jobs.find(undoing)?.summary.state === "done", 2 * hour);
  court.wentBack(fleet.console.jobs.find(undoing), had, first);

  const two = await roll(broken);
  court.stopped(two.job);
  court.expect(
    /failed \([\d.]+ %\), more than the 20 % allowed/.test(two.job.summary.why ?? ""),
    `it stopped with: ${two.job.summary.why}`,
  );

  sleep(fleet, ids, rest.seed, (devices / perMinute / 2) * minute);
  await fleet.pass(minute);
  const three = await roll(sound, "--ttl", "23h");
  court.expect(
    three.job.summary.state === "done",
    `the sound release is ${three.job.summary.state}: ${three.job.summary.why}`,
  );
  court.endsOnce(three.job);
  court.endsByFate(three.job, sound);
  const bad = ids.filter((id) => sound.fateOf(id) !== "good");
  court.names(three.said.out, bad, sound.fateOf);
  await fleet.pass(Math.max(2 * minute, lasts - fleet.clock.monotonic()));
  fleet.sim.finish();
  await fleet.until("the last acks", () => fleet.sim.tally.waiting === 0, hour);
  court.nothingDoubled();
  return {
    violations: court.violations,
    lasted: fleet.clock.monotonic(),
    batches: fleet.sim.tally.acked,
    updated: three.job.summary.counts.succeeded,
    faulty: Object.fromEntries(kinds.map((kind) => [kind, bad.filter((id) => sound.fateOf(id) === kind).length])),
  };
}

function releasesOf(ids: readonly DeviceId[], seed: string, faulty: number) {
  const place = new Map(ids.map((id, at) => [id, at]));
  const isOne = (id: DeviceId, part: number, share: number): boolean =>
    (place.get(id) ?? 0) >= canaries && draw(seedOf(seed), part, place.get(id) ?? 0) < share;
  const release = (number: number, fateOf: (id: DeviceId) => UpdateFate): SimulatedRelease => ({
    version: `1.${number}.0`,
    build: String(number).repeat(16),
    fateOf,
  });
  // A hundredth of them, whatever the chances: in the order of their draws.
  const drawn = ids
    .slice(canaries)
    .sort((a, b) => draw(seedOf(seed), 71, place.get(a) ?? 0) - draw(seedOf(seed), 71, place.get(b) ?? 0));
  const bad = new Map(
    drawn.slice(0, Math.ceil(ids.length * faulty)).map((id, at) => [id, kinds[at % kinds.length] ?? "crashes"]),
  );
  return {
    first: release(0, () => "good"),
    hungry: release(1, (id) => (isOne(id, 72, 0.2) ? "hungry" : "good")),
    broken: release(2, (id) => (isOne(id, 73, 0.33) ? "crashes" : "good")),
    sound: release(3, (id) => bad.get(id) ?? "good"),
  };
}

/** By `muster update`, as a person does. */
async function rollOut(
  { muster, console, clock }: RolloutFleet,
  { version }: SimulatedRelease,
  say: (line: string) => void,
  words: readonly string[],
): Promise<{ readonly job: Ended; readonly said: Said }> {
  const began = clock.monotonic();
  const said = await muster("update", ...words);
  const last = console.jobs.list(2).find(({ key }) => key === "update");
  const job = last && console.jobs.find(last.id);
  if (!job) throw new Error(`muster update ended with ${said.code} and made no job: ${said.err}`);
  const { state, counts, why } = job.summary;
  say(
    `${version}: ${state} after ${((clock.monotonic() - began) / hour).toFixed(1)} h, ${counts.succeeded} updated, ${counts.failed} failed. ${why ?? ""}`,
  );
  return { job, said };
}

function sleep({ sim }: RolloutFleet, ids: readonly DeviceId[], seed: string, most: number): void {
  const { share, least } = asleep;
  for (const [at, id] of ids.entries())
    if (at >= canaries && draw(seedOf(seed), 74, at) < share) sim.sleep(id, least + most * draw(seedOf(seed), 75, at));
}
