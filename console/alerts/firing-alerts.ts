import { isForMany, slotKey, type Alert } from "./alert.ts";
import type { AlertTurn } from "./alert-writes.ts";

/** Every alert that fires, by its rule, device and series. */
export class FiringAlerts {
  readonly #alerts = new Map<string, Alert>();
  readonly #byId = new Map<string, Alert>();
  /** Of whom nobody was told so far. */
  readonly #untold = new Set<string>();
  /** Those that fire and were told with another one, by that one's id. */
  readonly #children = new Map<string, Set<string>>();

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

  /** What fires and was told with this one. */
  childrenOf(id: string): readonly Alert[] {
    return [...(this.#children.get(id) ?? [])].flatMap((key) => this.#alerts.get(key) ?? []);
  }

  /** Those that were told with one that fires no more. */
  left(): readonly Alert[] {
    const gone = [...this.#children].filter(([id]) => !this.#byId.has(id));
    return gone.flatMap(([, keys]) => [...keys].flatMap((key) => this.#alerts.get(key) ?? []));
  }

  /** Those that stand for others, of which none fires any more: as their devices were removed. */
  forNobody(): readonly Alert[] {
    return [...this.#alerts.values()].filter((alert) => isForMany(alert) && !this.#children.has(alert.id));
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
      if (before.parent !== null) this.#dropChild(before.parent, key);
    }
    if (!alert) {
      this.#alerts.delete(key);
      this.#untold.delete(key);
      return;
    }
    this.#alerts.set(key, alert);
    this.#byId.set(alert.id, alert);
    if (alert.parent !== null) {
      const its = this.#children.get(alert.parent);
      if (its) its.add(key);
      else this.#children.set(alert.parent, new Set([key]));
    }
    if (alert.told === "no") this.#untold.add(key);
    else this.#untold.delete(key);
  }

  #dropChild(parent: string, key: string): void {
    const its = this.#children.get(parent);
    if (its?.delete(key) && its.size === 0) this.#children.delete(parent);
  }
}

function keyOf({ rule, device, series }: Alert): string {
  return slotKey(rule, device, series);
}
