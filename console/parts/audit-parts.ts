import { Anchor } from "../audit/anchor.ts";
import { LoginPlaces } from "../accounts/login-places.ts";
import { BrokerDoor } from "../audit/broker-door.ts";
import { Entrances } from "../audit/entrances.ts";
import { Syslog } from "../audit/syslog.ts";
import type { Surroundings } from "./surroundings.ts";

/** What is written down of logins and refusals, where the audit log ends, and where else it goes. */
export function auditParts({ options, state, clock, log }: Surroundings) {
  const { audit, accounts, directory, database } = state;
  const synced = (): Promise<void> => accounts.synced();
  const entrances = new Entrances({ audit, clock, log });
  const brokerDoor = new BrokerDoor({ entrances, places: new LoginPlaces(database, clock) });
  const anchor = new Anchor({ directory, audit, synced, clock, log });
  const address = options.auditSyslog;
  const syslog =
    address && new Syslog({ address, directory, database, audit, synced, elsewhere: accounts.elsewhere, clock, log });
  return { entrances, brokerDoor, anchor, syslog };
}
