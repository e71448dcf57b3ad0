import type { Client } from "#api/client";
import { ApiError } from "#api/api-errors";
import type { Incident } from "../incident.ts";
import { JournalReader } from "../journal.ts";
import { packedIn, type Packed } from "../packing.ts";
import type { Acked, Kept, Stored, ToldGap } from "./check.ts";
import { simpleDevice, type Device } from "../setting.ts";
import type { Fleet } from "../fleet.ts";
import type { Promised } from "./sender.ts";

/** What the console tells that it could not read. */
export interface Told {
  readonly ts: number;
  readonly place: string;
  readonly name: string;
}

/** Asks everybody what they have: the agents' journals, the store itself, and the console about gaps. */
export class Witness {
  readonly #fleet: Fleet;
  readonly #kept: JournalReader<Kept>;
  readonly #acked: JournalReader<Acked>;
  readonly #promised: JournalReader<Promised>;
  readonly #incidents: JournalReader<Incident>;
  readonly #packed: JournalReader<Packed>;

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#kept = new JournalReader(`${fleet.site.directory}/kept.jsonl`);
    this.#acked = new JournalReader(`${fleet.site.directory}/acked.jsonl`);
    this.#promised = new JournalReader(`${fleet.site.directory}/promised.jsonl`);
    this.#incidents = new JournalReader(`${fleet.site.directory}/incidents.jsonl`);
    this.#packed = new JournalReader(packedIn(fleet.site.directory));
  }

  kept(device: Device): readonly Kept[] {
    return this.#kept.read().filter(({ who }) => who === device);
  }

  acked(device: Device): readonly Acked[] {
    return this.#acked.read().filter(({ who }) => who === device);
  }

  /** What befell processes. */
  incidents(): readonly Incident[] {
    return this.#incidents.read();
  }

  /** What the embedded store has packed. */
  packed(): readonly Packed[] {
    return this.#packed.read();
  }

  /** Simple samples whose PUBACK came. */
  promised(): readonly Promised[] {
    return this.#promised.read();
  }

  /** InfluxDB is asked itself; the embedded store through the console, which has it open. */
  stored(device: Device | typeof simpleDevice): Promise<Stored[]> {
    const measurement = device === simpleDevice ? "simple" : "chaos";
    const { influxUrl: url } = this.#fleet;
    return url === undefined ? this.#fromConsole(device, measurement) : this.#fromInflux(url, device, measurement);
  }

  /** What the console says that it could not read and set aside, newest first. */
  async damage(): Promise<readonly Told[]> {
    return (await this.#ask((client) => client.listDamage())).damaged;
  }

  /** What the console says is missing, and how many batches it still waits for. */
  async account(device: Device): Promise<{ gaps: ToldGap[]; outstanding: number }> {
    const { gaps, outstanding } = await this.#ask((client) => client.getCompleteness(device));
    return {
      // What is of no outbox, such as what a store has lost, is no batch's.
      gaps: gaps.map(({ outbox, first, last, why }) => ({
        outbox: outbox ?? "",
        from: first ?? 0,
        to: last ?? 0,
        why,
      })),
      outstanding: outstanding.batches,
    };
  }

  async #fromInflux(url: string, device: string, measurement: string): Promise<Stored[]> {
    const q = `SELECT "n" FROM "${measurement}" WHERE "host"::tag = '${device}'`;
    const response = await fetch(`${url}/query?${new URLSearchParams({ db: "muster", epoch: "ms", q })}`);
    const { results } = (await response.json()) as { results: { series?: { values: [number, number][] }[] }[] };
    return (results[0]?.series?.[0]?.values ?? []).map(([at, n]) => ({ at, n }));
  }

  async #fromConsole(device: string, measurement: string): Promise<Stored[]> {
    const query = { measurement, field: "n", from: "0", to: String(Date.now() + 1), every: "0" };
    const { series } = await this.#ask((client) => client.getHistory(device, query));
    return series.flatMap(({ points }) => points.map(([at, n]) => ({ at, n: Number(n) })));
  }

  /** A disk that is busy is no violation: what cannot be answered for now is asked again. */
  async #ask<T>(question: (client: Client) => Promise<T>, tries = 3): Promise<T> {
    try {
      return await question(this.#fleet.client);
    } catch (error) {
      if (error instanceof ApiError && error.status === 503 && tries > 1) return this.#ask(question, tries - 1);
      throw error;
    }
  }
}
