import { slotKey, type Alert } from "./alert.ts";
import type { AlertTurn } from "./alert-writes.ts";

/** Every alert that fires, by its rule, device and series. */
export class FiringAlerts {
  readonly #alerts = new Map<string, Alert>();
  readonly #byId = new Map<string, Alert>();
  /** Of whom nobody was told so far. */
  readonly #untold = new Set<string>();
  /** How many that fire were told with another one. */
  readonly #children = new Map<string, number>();

  get size(): number {
    return this.#alerts.size;
  }

  all(): readonly Alert[] {
    return [...this.#alerts.values()];
  }

  get(key: string): Alert | undefined {
    return this.#alerts.get(key);
  }

  find(id: string): Alert | undefined {
    return this.#byId.get(id);
  }

  hasUntold(): boolean {
    return this.#untold.size > 0;
  }

  untold(): readonly Alert[] {
    return [...this.#untold].flatMap((key) => this.#alerts.get(key) ?? []);
  }

  /** Whether something fires that was told with this one. */
  hasChildren(id: string): boolean {
    return this.#children.has(id);
  }

  /** Within a transaction. */
  put(turn: AlertTurn, alert: Alert): void {
    this.#change(turn, keyOf(alert), alert);
  }

  /** The same: it is over. */
  remove(turn: AlertTurn, key: string): void {
    this.#change(turn, key, undefined);
  }

  #change(turn: AlertTurn, key: string, alert: Alert | undefined): void {
    const before = this.#alerts.get(key);
    turn.undo(() => this.#set(key, before));
    this.#set(key, alert);
  }

  /** As it is written down already. */
  set(alert: Alert): void {
    this.#set(keyOf(alert), alert);
  }

  forget(device: string): void {
    for (const [key, alert] of this.#alerts) if (alert.device === device) this.#set(key, undefined);
  }

  #set(key: string, alert: Alert | undefined): void {
    const before = this.#alerts.get(key);
    if (before) {
      this.#byId.delete(before.id);
      this.#countChild(before.parent, -1);
    }
    if (!alert) {
      this.#alerts.delete(key);
      this.#untold.delete(key);
      return;
    }
    this.#alerts.set(key, alert);
    this.#byId.set(alert.id, alert);
    this.#countChild(alert.parent, 1);
    if (alert.told === "no") this.#untold.add(key);
    else this.#untold.delete(key);
  }

  #countChild(parent: string | null, more: number): void {
    if (parent === null) return;
    const count = (this.#children.get(parent) ?? 0) + more;
    if (count > 0) this.#children.set(parent, count);
    else this.#children.delete(parent);
  }
}

function keyOf({ rule, device, series }: Alert): string {
  return slotKey(rule, device, series);
}
