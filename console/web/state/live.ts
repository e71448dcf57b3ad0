import { signal } from "@preact/signals";
import { getDevices, getHealth } from "../api/console.ts";
import type { Command, Presence, Sample, StoreHealth } from "../api/documents.ts";
import { forgetJobs, takeJobs, type JobSummary } from "../jobs/known.ts";
import { forgetCommands, takeCommands } from "./commands.ts";
import { dropDevice, forgetFleet, takeDevices, takePresence, takeSamples } from "./fleet.ts";
import { checkSession } from "./session.ts";

/** Whether changes arrive by themselves at the moment. */
export const connection = signal<"connecting" | "live" | "lost">("connecting");
/** Grows with every (re)connect: what was fetched before may have missed something and is fetched again. */
export const generation = signal(0);
export const store = signal<StoreHealth>({ ok: true });
export const broker = signal<{ connected: boolean }>({ connected: true });
/** Grows when something was refused, once in a second at most. */
export const refusals = signal(0);
/** How much in the console's data directory did not read, or was gone. */
export const damaged = signal(0);
/** Why the fleet could not be fetched, as a sentence. */
export const fetchProblem = signal<string | undefined>(undefined);

/** What each event of `/api/events` does. */
const handlers = {
  presence: (data: Presence) => takePresence(data),
  removed: (data: { device: string }) => dropDevice(data),
  sample: (data: { device: string; samples: readonly Sample[] }) => takeSamples(data),
  command: (data: Command) => takeCommands([data]),
  job: (data: JobSummary) => takeJobs([data]),
  store: (data: StoreHealth) => (store.value = data),
  refused: () => noteRefusal(),
};

let refusalTold: ReturnType<typeof setTimeout> | undefined;

/** Somebody may send a hundred in a second: the list is fetched once for all of them. */
function noteRefusal(): void {
  refusalTold ??= setTimeout(() => {
    refusalTold = undefined;
    refusals.value += 1;
  }, 500);
}

/**
 * Follows the console's events: connecting → live → lost → live … EventSource reconnects by itself after a broken
 * connection, but gives up for good on an HTTP error (a proxy's 502 while the console restarts), so then a new one is
 * made, after asking whether the session is still good.
 * @returns what ends it and forgets everything that was known
 */
export function startLive(): () => void {
  let source = open();
  let retry: ReturnType<typeof setTimeout> | undefined;
  let failures = 0;

  function open(): EventSource {
    const opened = new EventSource("/api/events");
    opened.addEventListener("open", () => {
      failures = 0;
      connection.value = "live";
      generation.value += 1;
      void refresh();
    });
    opened.addEventListener("error", () => {
      connection.value = "lost";
      if (opened.readyState === EventSource.CLOSED) again();
    });
    for (const [name, handle] of Object.entries(handlers)) {
      opened.addEventListener(name, (event: MessageEvent<string>) => handle(JSON.parse(event.data)));
    }
    return opened;
  }

  function again(): void {
    clearTimeout(retry);
    retry = setTimeout(reopen, Math.min(15_000, 1_000 * 2 ** failures++) * (0.75 + Math.random() / 2));
  }

  function reopen(): void {
    void checkSession();
    source.close();
    source = open();
  }

  // A machine that woke up or changed its network may hold a dead connection that nobody will close.
  window.addEventListener("online", reopen);
  return () => {
    window.removeEventListener("online", reopen);
    clearTimeout(retry);
    source.close();
    connection.value = "connecting";
    forgetFleet();
    forgetCommands();
    forgetJobs();
  };
}

async function refresh(): Promise<void> {
  try {
    takeDevices(await getDevices());
    fetchProblem.value = undefined;
    const health = await getHealth();
    store.value = health.store;
    broker.value = health.broker;
    damaged.value = health.damaged ?? 0;
  } catch (error) {
    fetchProblem.value = error instanceof Error ? error.message : String(error);
  }
}
