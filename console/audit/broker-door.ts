import { isPersonRole, type Principal } from "#shared/principal";
import type { LoginPlaces } from "../accounts/login-places.ts";
import type { Entrances } from "./entrances.ts";

interface BrokerDoorOptions {
  readonly entrances: Pick<Entrances, "note">;
  readonly places: Pick<LoginPlaces, "note">;
}

/**
 * What the audit log is told of the embedded broker's door. People are told of as at the other doors. Of a device or a console only that it has come
 * from a network from which it has not come before: it connects by itself, a flapping one all day long, and a stolen secret shows by the address.
 */
export class BrokerDoor {
  readonly #options: BrokerDoorOptions;

  constructor(options: BrokerDoorOptions) {
    this.#options = options;
  }

  letIn({ name: who, role }: Pick<Principal, "name" | "role">, from: string): void {
    const { entrances, places } = this.#options;
    const told = { who, from, on: "mqtt" } as const;
    if (isPersonRole(role)) return entrances.note({ ...told, what: "login.ok", detail: { door: "mqtt" } });
    if (!places.note(who, from)) entrances.note({ ...told, what: "login.new-place", detail: { role } });
  }

  turnedAway({ name, address: from, why }: { name: string | undefined; address: string; why: string }): void {
    const { entrances } = this.#options;
    entrances.note({ who: name ?? "", from, what: "login.refused", on: "mqtt", result: "refused", detail: { why } });
  }
}
