import { JournalReader } from "../journal.ts";
import type { Acked, Kept, Stored, ToldGap } from "./check.ts";
import { devices, simpleDevice, type Device } from "./faults.ts";
import type { Fleet } from "./fleet.ts";
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

  constructor(fleet: Fleet) {
    this.#fleet = fleet;
    this.#kept = new JournalReader(`${fleet.directory}/kept.jsonl`);
    this.#acked = new JournalReader(`${fleet.directory}/acked.jsonl`);
    this.#promised = new JournalReader(`${fleet.directory}/promised.jsonl`);
  }

  get devices(): readonly Device[] {
    return devices;
  }

  kept(device: Device): readonly Kept[] {
    return this.#kept.read().filter(({ who }) => who === device);
  }

  acked(device: Device): readonly Acked[] {
    return this.#acked.read().filter(({ who }) => who === device);
  }

  /** Simple samples whose PUBACK came. */
  promised(): readonly Promised[] {
    return this.#promised.read();
  }

  /** InfluxDB is asked itself; the embedded store through the console, which has it open. */
  stored(device: Device | typeof simpleDevice): Promise<Stored[]> {
    const measurement = device === simpleDevice ? "simple" : "chaos";
    return this.#fleet.influx
      ? this.#fromInflux(this.#fleet.influx.url, device, measurement)
      : this.#fromConsole(device, measurement);
  }

  /** What the console says that it could not read and set aside, newest first. */
  async damage(): Promise<readonly Told[]> {
    const { damaged } = (await this.#ask("/api/damage")) as { damaged: Told[] };
    return damaged;
  }

  /** What the console says is missing, and how many batches it still waits for. */
  async account(device: Device): Promise<{ gaps: ToldGap[]; outstanding: number }> {
    const { gaps, outstanding } = (await this.#ask(`/api/devices/${device}/completeness`)) as Account;
    return {
      gaps: gaps.map(({ outbox, first, last, why }) => ({ outbox, from: first, to: last, why })),
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
    const range = new URLSearchParams({
      measurement,
      field: "n",
      from: "0",
      to: String(Date.now() + 1),
      every: "0",
    });
    const { series } = (await this.#ask(`/api/devices/${device}/metrics?${range}`)) as {
      series: { points: [number, number][] }[];
    };
    return series.flatMap(({ points }) => points.map(([at, n]) => ({ at, n })));
  }

  /** A disk that is busy is no violation: what cannot be answered for now is asked again. */
  async #ask(path: string, tries = 3): Promise<unknown> {
    const { httpPort, token } = this.#fleet;
    const response = await fetch(`http://127.0.0.1:${httpPort}${path}`, {
      headers: { authorization: `Bearer ${token}` },
    });
    if (response.status === 503 && tries > 1) return this.#ask(path, tries - 1);
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`);
    return response.json();
  }
}

/** The part of the console's completeness document that counts here. */
interface Account {
  readonly gaps: { outbox: string; first: number; last: number; why: string }[];
  readonly outstanding: { batches: number };
}
