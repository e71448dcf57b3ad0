import { systemClock as clock } from "#shared/clock";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import { version } from "#shared/version";
import type { State } from "../../console/state/state.ts";
import type { OpenBroker } from "./open-broker.ts";

/** The audit log of a broker without a console in its process: its start and stop, and who comes in and is refused. */
export async function auditDoor(
  { audit, database }: State,
  broker: Pick<OpenBroker, "onLetIn" | "onTurnedAway">,
  lifetime: Lifetime,
  { logLevel }: Settings,
): Promise<void> {
  const { Entrances } = await import("../../console/audit/entrances.ts");
  const { BrokerDoor } = await import("../../console/audit/broker-door.ts");
  const { LoginPlaces } = await import("../../console/accounts/login-places.ts");
  const entrances = new Entrances({ audit, clock, log: createLog("broker", logLevel) });
  const itself = { who: "console", from: "broker", on: version } as const;
  lifetime.add(() => audit.note({ ...itself, what: "broker.stopped" }));
  audit.note({ ...itself, what: "broker.started" });
  lifetime.add(() => entrances.stop());
  const door = new BrokerDoor({ entrances, places: new LoginPlaces(database, clock) });
  broker.onLetIn(({ name, role }, address) => door.letIn({ name, role }, address));
  broker.onTurnedAway((who) => door.turnedAway(who));
}
