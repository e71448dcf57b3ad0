import type { Client } from "#api/client";
import type { ConsoleEvent } from "#api/event-routes";
import type { JobDocument, JobOrder, JobSummaryDocument } from "#api/job-routes";
import { asError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import { systemClock as clock } from "#shared/clock";
import { jobText, rowTable } from "./job-list.ts";
import type { Terminal } from "./live-command.ts";
import { stated } from "./send-command.ts";

/** Rows drawn while it runs: what a terminal has room for, less the heading and the sentence. */
const shownAtLeast = 5;
/** A look at a job of ten thousand devices takes its time at both ends: so many times as long nobody looks again. */
const restFactor = 4;

/**
 * Hands a job in and shows it while it runs: on a terminal a table that fills, otherwise a line for each device that ends.
 * Ctrl-C ends the watching, not the job.
 * @returns the job once nothing of it is open any more
 */
export async function followJob(client: Client, order: JobOrder, terminal: Terminal): Promise<JobDocument> {
  const stop = new AbortController();
  const events = client.events({ only: "job" }, stop.signal);
  try {
    // The stream's first event says that the console listens; what happens from here on arrives on it.
    await events.next();
    let job = await client.createJob(order);
    const view: View = terminal.live ? new LiveTable(terminal) : new Lines(terminal);
    const leave = (): never => leaveJob(job.id, terminal);
    process.once("SIGINT", leave);
    try {
      const news = new JobNews(events, job.id);
      for (view.show(job); !hasEnded(job); view.show(job)) {
        await news.next();
        const began = clock.monotonic();
        job = await client.getJob(job.id);
        const took = clock.monotonic() - began;
        await new Promise<void>((resolve) => void clock.after(restFactor * took, resolve));
      }
    } finally {
      process.off("SIGINT", leave);
    }
    view.end(job);
    return job;
  } finally {
    stop.abort();
  }
}

function hasEnded({ state, counts }: JobSummaryDocument): boolean {
  return state !== "running" && state !== "paused" && counts.sent === 0;
}

function leaveJob(id: string, terminal: Terminal): never {
  terminal.err(`\nthe job goes on; muster jobs show ${id} tells how it stands, muster jobs cancel ${id} ends it\n`);
  process.exit(130);
}

/** Whether a job has changed. The stream is read all the time, because the console cuts off who falls behind; several changes are one. */
class JobNews {
  #isNew = false;
  #ended: Error | undefined;
  #wake = (): void => {};

  constructor(events: AsyncGenerator<ConsoleEvent, void>, id: string) {
    const closed = new Error(`the console closed the stream; muster jobs show ${id} tells how the job stands`);
    const read = async (): Promise<void> => {
      for await (const { event, data } of events) {
        if (event !== "job" || data.id !== id) continue;
        this.#isNew = true;
        this.#wake();
      }
      throw closed;
    };
    read().catch((thrown: unknown) => {
      this.#ended = asError(thrown);
      this.#wake();
    });
  }

  /** Resolves once there is a change that was not looked at. @throws Error when the console closes the stream */
  async next(): Promise<void> {
    while (!this.#isNew) {
      if (this.#ended) throw this.#ended;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    this.#isNew = false;
  }
}

/** How a job is shown while it runs. */
interface View {
  show(job: JobDocument): void;
  end(job: JobDocument): void;
}

/** For pipes and logs: each device once, when it has ended. */
class Lines implements View {
  readonly #terminal: Terminal;
  readonly #told = new Set<string>();
  #state = "";

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show({ devices, state, explain }: JobDocument): void {
    for (const { device, state: own, ended, outcome } of devices) {
      if (ended === null || this.#told.has(device)) continue;
      this.#told.add(device);
      this.#terminal.out(`${device}  ${own}  ${forTerminal(outcome ?? "")}`.trimEnd());
    }
    if (state !== this.#state && state === "paused") this.#terminal.out(stated(state, explain));
    this.#state = state;
  }

  end({ id, state, explain }: JobDocument): void {
    this.#terminal.out(`${stated(state, explain)} (${id})`);
  }
}

/** Drawn over in place: what needs a look first, then what moves; the whole table stays at the end. */
class LiveTable implements View {
  readonly #terminal: Terminal;
  #drawn = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  show(job: JobDocument): void {
    // A terminal that does not know its size says 0.
    const width = (process.stderr.columns || 80) - 1;
    const room = Math.max(shownAtLeast, (process.stderr.rows || 24) - 5);
    const devices = job.devices.toSorted((a, b) => interest(a.state) - interest(b.state)).slice(0, room);
    const more = job.devices.length - devices.length;
    const lines = [
      bar(job),
      ...rowTable({ devices }).split("\n"),
      ...(more > 0 ? [`… and ${more} more`] : []),
      stated(job.state, job.explain),
    ];
    this.#clear();
    this.#terminal.err(lines.map((line) => `${line.slice(0, width)}\n`).join(""));
    this.#drawn = lines.length;
  }

  end(job: JobDocument): void {
    this.#clear();
    this.#terminal.out(jobText(job));
  }

  #clear(): void {
    if (this.#drawn > 0) this.#terminal.err(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }
}

function bar({ key, counts: { total, waiting, sent, succeeded, failed, cancelled } }: JobDocument): string {
  const ended = (succeeded + failed + cancelled) / Math.max(1, total);
  const filled = "#".repeat(Math.floor(ended * 20)).padEnd(20, ".");
  return `${forTerminal(key)} [${filled}] ${succeeded} succeeded, ${failed} failed, ${sent} open, ${waiting} waiting`;
}

/** The order in which rows claim the room there is. */
function interest(state: string): number {
  const order = ["running", "accepted", "queued", "waiting", "succeeded", "cancelled"];
  return order.indexOf(state);
}
