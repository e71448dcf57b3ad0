import { signal } from "@preact/signals";
import type { ConsoleEvent } from "#api/event-routes";
import type { StoreDocument } from "#api/health-routes";
import { forgetJobs, takeJobs } from "./job-state.ts";
import { ApiError } from "#api/api-errors";
import { pages } from "#api/pages";
import { fetchAlerts, forgetAlerts, takeAlert } from "./open-alerts.ts";
import { Newest } from "./newest.ts";
import { client } from "./page-client.ts";
import { forgetCommands, takeCommands } from "./command-state.ts";
import {
  dropRow,
  fleetColumns,
  forgetRows,
  rowsVersion,
  startOver,
  takeBundle,
  takePage,
  wantColumns,
} from "./fleet-rows.ts";
import { dropDevice, forgetFleet, takePresence, takeSamples } from "./fleet-state.ts";
import { fetchFavourites, forgetFavourites } from "./favourites-state.ts";
import { checkSession } from "./session-state.ts";

/** Whether changes arrive by themselves at the moment. */
export const connection = signal<"connecting" | "live" | "lost">("connecting");
/** Grows with every (re)connect: what was fetched before may have missed something and is fetched again. */
export const generation = signal(0);
export const store = signal<StoreDocument>({ ok: true });
export const brokerState = signal<{ connected: boolean }>({ connected: true });
/** Grows when something was refused, once in a second at most. */
export const refusals = signal(0);
/** How much in the console's data directory did not read, or was gone. */
export const damaged = signal(0);
/** Why the fleet could not be fetched, as a sentence. */
export const fetchProblem = signal<string | undefined>(undefined);

/** Up to where the fleet is known, and of which columns. */
let revision: string | undefined;
let known = "";
/** The device that is looked at closely. */
let focused: string | undefined;
/** Each connection asks for the fleet: the newest one's answer counts. */
const refreshes = new Newest();
let reopenStream: (() => void) | undefined;

/** Has the console tell everything of one device as it comes. */
export function lookAt(device: string): void {
  if (focused === device) return;
  focused = device;
  reopenStream?.();
}

/** Has the console tell these columns of the fleet as well. */
export function follow(names: readonly string[]): void {
  if (wantColumns(names)) reopenStream?.();
}

/** What each event does. One of a later console that this page does not know changes nothing. */
function take({ event, data }: ConsoleEvent): void {
  switch (event) {
    case "presence":
      return takePresence(data);
    case "fleet":
      if (data.revision !== "") revision = data.revision;
      return takeBundle(data);
    case "removed":
      dropRow(data.device);
      return dropDevice(data);
    case "sample":
      return takeSamples(data);
    case "command":
      return takeCommands([data]);
    case "job":
      return takeJobs([data]);
    case "alert":
      return takeAlert(data);
    case "store":
      store.value = data;
      return;
    case "refused":
      return noteRefusal();
  }
}

let refusalTold: ReturnType<typeof setTimeout> | undefined;

/** Somebody may send a hundred in a second: the list is fetched once for all of them. */
function noteRefusal(): void {
  refusalTold ??= setTimeout(() => {
    refusalTold = undefined;
    refusals.value += 1;
  }, 500);
}

/**
 * Follows the console's events: connecting → live → lost → live … A stream that breaks is asked for again after a second; one that is
 * refused (by a proxy while the console restarts, or because the session is over) after longer and longer.
 * @returns what ends it and forgets everything that was known
 */
export function startLive(): () => void {
  let stream = new AbortController();
  let retry: ReturnType<typeof setTimeout> | undefined;
  let refused = 0;

  async function listen({ signal }: AbortController): Promise<void> {
    try {
      let told = false;
      const fleet = fleetColumns.peek().join();
      for await (const event of client.events({ fleet, device: focused }, signal)) {
        // From the first bundle on nothing of the fleet is missed.
        const begins = !told && event.event === "fleet";
        const since = known === fleet ? revision : undefined;
        take(event);
        if (!begins) continue;
        told = true;
        begin(fleet, since);
      }
    } catch (error) {
      if (error instanceof ApiError) refused += 1;
    }
    if (signal.aborted) return;
    connection.value = "lost";
    if (refused > 0) void checkSession();
    const wait = refused > 0 ? Math.min(15_000, 1_000 * 2 ** (refused - 1)) : 1_000;
    clearTimeout(retry);
    retry = setTimeout(reopen, wait * (0.75 + Math.random() / 2));
  }

  function begin(columns: string, since: string | undefined): void {
    refused = 0;
    connection.value = "live";
    generation.value += 1;
    void refresh(columns, since);
    void fetchFavourites();
    void fetchAlerts();
  }

  function reopen(): void {
    clearTimeout(retry);
    stream.abort();
    stream = new AbortController();
    void listen(stream);
  }

  reopenStream = reopen;
  // What only publishes becomes silent by the clock alone.
  const beat = setInterval(() => (rowsVersion.value += 1), 5_000);
  void listen(stream);
  // A machine that woke up or changed its network may hold a dead connection that nobody will close.
  window.addEventListener("online", reopen);
  return () => {
    window.removeEventListener("online", reopen);
    clearTimeout(retry);
    clearInterval(beat);
    reopenStream = undefined;
    stream.abort();
    refreshes.forget();
    connection.value = "connecting";
    [revision, known] = [undefined, ""];
    forgetRows();
    forgetFleet();
    forgetCommands();
    forgetFavourites();
    forgetAlerts();
    forgetJobs();
  };
}

async function refresh(columns: string, since: string | undefined): Promise<void> {
  // Where this fails, or breaks off, everything is asked for the next time.
  known = "";
  const isNewest = refreshes.begin();
  try {
    let finish: (() => void) | undefined;
    for await (const page of pages((after) => client.getFleet({ columns, since, after }))) {
      // Another one is under way, which knows better.
      if (!isNewest() || columns !== fleetColumns.peek().join()) return;
      if (page.whole) finish ??= startOver();
      takePage(page);
    }
    finish?.();
    known = columns;
    fetchProblem.value = undefined;
    const before = store.peek();
    const health = await client.getHealth();
    if (!isNewest()) return;
    // What an event has told meanwhile is newer.
    if (store.peek() === before) store.value = health.store ?? { ok: health.ok };
    brokerState.value = health.broker ?? { connected: true };
    damaged.value = health.damaged ?? 0;
  } catch (error) {
    if (isNewest()) fetchProblem.value = error instanceof Error ? error.message : String(error);
  }
}
