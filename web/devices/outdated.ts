import { computed, signal } from "@preact/signals";
import type { JobOrder } from "#api/job-routes";
import type { PresenceDocument } from "#api/device-routes";
import { Newest } from "../state/newest.ts";
import { client } from "../state/page-client.ts";
import { offered } from "../state/offered-keys.ts";

type Held = NonNullable<Awaited<ReturnType<typeof client.getRelease>>["release"]>;

/** The release that the console holds; undefined where it holds none. */
export const release = signal<Held | undefined>(undefined);
/** What is wrong with what it holds. */
export const releaseProblem = signal<string | undefined>(undefined);

const looks = new Newest();

export async function fetchRelease(): Promise<void> {
  const isNewest = looks.begin();
  try {
    const held = await client.getRelease();
    if (!isNewest()) return;
    release.value = held.release ?? undefined;
    releaseProblem.value = held.problem ?? undefined;
  } catch {
    // Without it nothing is marked; the fleet is told all the same.
  }
}

/** Whether a device tells which file its agent is, and the release has another. */
export function isOutdated({ build }: Pick<PresenceDocument, "build">, held: Held | undefined): boolean {
  return Boolean(build) && held !== undefined && !held.files.some(({ sha256 }) => sha256.startsWith(build ?? ""));
}

export function offersUpdate({ commands }: Pick<PresenceDocument, "commands">): boolean {
  return commands?.["update"] !== undefined;
}

/** Those that are outdated and can be brought to the release by a command. */
export const outdated = computed(() =>
  offered.value.filter((device) => isOutdated(device, release.value) && device.offers.includes("update")),
);

/** Devices that go first, and how fast the others follow: ten a minute. */
const pace = { canary: 1, rate: 0.17 };

export function updateOrder(devices: readonly Pick<PresenceDocument, "id" | "online">[]): JobOrder {
  const online = [...devices].sort((one, other) => Number(other.online) - Number(one.online));
  const many = devices.length > 1 ? { ...pace, abort: { failed: 0.2, min: 3 } } : {};
  return { key: "update", target: { devices: online.map(({ id }) => id) }, ttl: "7d", timeout: "15m", ...many };
}
