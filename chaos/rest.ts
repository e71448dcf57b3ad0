import { setTimeout as sleep } from "node:timers/promises";
import { asError } from "#shared/errors";
import type { Fleet } from "./fleet.ts";

/**
 * Milliseconds that a process may take to come up (on a machine that does much else), and between two looks at what other processes do.
 */
const startup = 30_000;
const glance = 15;

/** Waits for what other processes come to. One wait in vain is enough: the later ones of the round are short. */
export class Rest {
  readonly missed: string[] = [];
  readonly #fleet: Fleet;
  readonly #patience: number;

  /** @param patience milliseconds, while every process serves */
  constructor(fleet: Fleet, patience: number) {
    this.#fleet = fleet;
    this.#patience = patience;
  }

  async until(what: string, probe: () => boolean | Promise<boolean>): Promise<void> {
    const allowed = this.missed.length === 0 ? this.#patience : this.#patience / 10;
    const spent = { healing: 0, starting: 0 };
    let last = "";
    while (spent.healing < allowed && spent.starting < startup) {
      const began = performance.now();
      const kind = this.#fleet.allServe ? "healing" : "starting";
      try {
        if (await probe()) return;
      } catch (error) {
        last = asError(error).message;
      }
      await sleep(glance);
      spent[kind] += performance.now() - began;
    }
    const waited =
      spent.healing < allowed ? `${startup / 1_000} s for every process to serve, and` : `${allowed / 1_000} s`;
    this.missed.push(`waited ${waited} for ${what}${last ? ` (${last})` : ""}`);
  }
}
