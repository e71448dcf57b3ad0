import { systemClock } from "#shared/clock";
import { Link } from "#shared/link";
import { silentLog } from "#shared/log";
import type { Fleet } from "./fleet.ts";
import { eventually, type Scope } from "./suite.ts";

/** A client that publishes what it is told as `who`, at QoS 1: resolves once the broker has taken it. */
export async function openPublisher(
  scope: Scope,
  fleet: Pick<Fleet, "url" | "secretOf">,
  who: string,
  clientId = who,
): Promise<(topic: string, payload: Buffer) => Promise<void>> {
  const link = new Link({
    url: fleet.url,
    clientId,
    username: who,
    password: fleet.secretOf(who),
    version: 4,
    log: silentLog,
    clock: systemClock,
  });
  link.start();
  scope.cleanup(() => link.stop());
  await eventually(`${who}'s connection`, () => link.connected);
  return (topic, payload) => link.publish(topic, payload);
}
