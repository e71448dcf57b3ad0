import { mkdirSync, rmSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Scope } from "../test/suite.ts";
import { Cut, type Tap } from "./cut.ts";
import { Home, type Disks } from "./home.ts";
import { Journal } from "./journal.ts";
import type { Role } from "./setting.ts";

/** KiB of the disks: room for what a run keeps, and soon filled. */
const diskSizes = { "dev-a": 4_096, "dev-b": 4_096, server: 65_536, influx: 262_144 };

/** Where the processes of a run are at home: their directories, the lines between them, and the journal of what befalls them. */
export class Site {
  readonly directory: string;
  readonly #disks: Disks;
  readonly #homes = new Map<Role, Home>();
  readonly #cuts = new Map<Role, Cut>();
  readonly #incidents: Journal;
  readonly #undo: (() => unknown)[] = [];

  private constructor(disks: Disks, directory: string) {
    this.#disks = disks;
    this.directory = directory;
    this.#incidents = new Journal(`${directory}/incidents.jsonl`);
  }

  static async make(disks: Disks): Promise<Site> {
    return new Site(disks, await mkdtemp(join(tmpdir(), "muster-chaos-")));
  }

  note(who: string, what: string): void {
    this.#incidents.add({ at: Date.now(), who, what });
  }

  home(who: Role): Home | undefined {
    return this.#homes.get(who);
  }

  /** The line by which it connects to others; that of InfluxDB ends there. */
  cut(who: Role): Cut | undefined {
    return this.#cuts.get(who);
  }

  addHome(role: keyof typeof diskSizes): Home {
    const disks = role === "influx" && this.#disks === "images" ? "small" : this.#disks;
    const home = new Home(`${this.directory}/${role}`, `${this.directory}/aside`, disks, diskSizes[role]);
    this.#homes.set(role, home);
    return home;
  }

  /** @returns the port by which it is to connect, so that its line can be cut */
  async through(role: Role, port: number, tap?: Tap): Promise<number> {
    const cut = new Cut(port, tap);
    this.#cuts.set(role, cut);
    this.undone(() => cut.stop());
    await cut.start();
    return cut.port;
  }

  undone(undo: () => unknown): void {
    this.#undo.push(undo);
  }

  /** What a server of another maker is started in. */
  scope(name: string): Scope {
    const path = `${this.directory}/${name}`;
    return {
      cleanup: (undo) => this.undone(undo),
      directory: async () => {
        mkdirSync(path, { recursive: true });
        return path;
      },
    };
  }

  /** @param keep leaves the directory, for people to look at */
  async leave(keep: boolean): Promise<void> {
    this.#incidents.close();
    for (const undo of this.#undo.toReversed()) await undo();
    if (keep) return;
    for (const home of this.#homes.values()) home.remove();
    rmSync(this.directory, { recursive: true, force: true });
  }
}
