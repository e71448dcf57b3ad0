import { normal, type AlertState } from "#shared/alerts/alert-state";
import type { SlotRow } from "./alert-rows.ts";

/** States that are pending or fire, of one device: its series' names come from outside. */
export const maxSlotsOfDevice = 1_000;

/** Where each rule stands for each series: what is at rest takes no room. */
export class RuleStates {
  readonly #ofDevice = new Map<string, Map<string, SlotRow>>();

  /** Where nothing is pending or fires, of one device or of all. */
  isQuiet(device?: string): boolean {
    return device === undefined ? this.#ofDevice.size === 0 : !this.#ofDevice.has(device);
  }

  /** Whether one more series of a device may be watched that is not at rest. */
  hasRoom(device: string): boolean {
    return (this.#ofDevice.get(device)?.size ?? 0) < maxSlotsOfDevice;
  }

  of(rule: string, device: string, series: string): AlertState {
    return this.#ofDevice.get(device)?.get(keyWithin(rule, series))?.state ?? normal;
  }

  /** What is not at rest, of one device or of all; what is set meanwhile does no harm. */
  *slots(device?: string): Generator<SlotRow, void, void> {
    const all = device === undefined ? [...this.#ofDevice.values()] : [this.#ofDevice.get(device)];
    for (const its of all) if (its) yield* its.values();
  }

  set(slot: SlotRow): void {
    const { rule, device, series, state } = slot;
    const its = this.#ofDevice.get(device);
    if (state.phase !== "normal") {
      if (its) its.set(keyWithin(rule, series), slot);
      else this.#ofDevice.set(device, new Map([[keyWithin(rule, series), slot]]));
    } else if (its?.delete(keyWithin(rule, series)) && its.size === 0) this.#ofDevice.delete(device);
  }

  forget(device: string): void {
    this.#ofDevice.delete(device);
  }
}

function keyWithin(rule: string, series: string): string {
  return `${rule}\n${series}`;
}
