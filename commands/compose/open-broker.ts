import { brokerHere, isLoopbackHost } from "#shared/address";
import type { Bus } from "#shared/bus";
import { systemClock as clock } from "#shared/clock";
import { createLog } from "#shared/log";
import type { Settings } from "#shared/settings";
import type { LetIn, TurnedAway } from "../../broker/authenticator.ts";
import type { AccountChange } from "../../console/accounts/accounts.ts";
import type { State } from "../../console/state/state.ts";
import { ownNames, type Around } from "./ports.ts";

/** The embedded broker, for this process alone until it listens. */
export interface OpenBroker {
  readonly bus: Bus;
  /** Tells from now on of everybody who is not let in. */
  readonly onTurnedAway: (listener: (who: TurnedAway) => void) => void;
  /** Tells from now on of everybody who is. */
  readonly onLetIn: (listener: LetIn) => void;
  /** Takes the port. @param parting what is still to be said when it is to stop @returns where it is reached */
  readonly listen: (parting?: () => Promise<void>) => Promise<BrokerPlaces>;
}

/** Where the broker is reached. */
export interface BrokerPlaces {
  /** By this machine's own programs, without TLS. */
  readonly url: string;
  /** By everybody, with it. */
  readonly tlsPort: number | undefined;
}

export async function openBroker(
  values: Settings,
  { accounts, brokerCopy, certificates, groups, mqttSecrets, persist }: State,
  { lifetime, net, ports, tls }: Around,
): Promise<OpenBroker> {
  const { Broker } = await import("../../broker/broker.ts");
  const { noteBroker } = await import("../../console/accounts/secrets.ts");
  const { root, mqttPort, logLevel } = values;
  const listen = isLoopbackHost(values.listen) || values.insecurePlaintext ? values.listen : "127.0.0.1";
  const authenticate: State["mqttSecrets"]["verify"] = (...login) => mqttSecrets.verify(...login);
  let turnedAway: (who: TurnedAway) => void = () => {};
  let letIn: LetIn = () => {};
  const broker = new Broker({
    letIn: (...who) => letIn(...who),
    turnedAway: (who) => turnedAway(who),
    listen,
    port: mqttPort,
    tls: tls?.isServed
      ? { listen: values.listen, port: values.mqttsPort, identity: tls.identity, clients: tls.devices }
      : undefined,
    root,
    authenticate,
    authenticateCertificate: (shown) => certificates.letIn(shown),
    groupsOf: (device) => groups.of(device),
    limits: { connections: ports.mqtt },
    names: ownNames(values),
    proxies: values.trustedProxies,
    clock,
    net,
    log: createLog("broker", logLevel),
  });
  await broker.open();
  lifetime.add(() => broker.stop());
  return {
    bus: broker.local(),
    onTurnedAway: (listener) => (turnedAway = listener),
    onLetIn: (listener) => (letIn = listener),
    listen: async (parting) => {
      const { port, tlsPort } = await broker.start();
      lifetime.add(async () => {
        await parting?.();
        await broker.stop();
      });
      const url = brokerHere({ ...values, listen, mqttPort: port });
      persist.write("the broker's port", () => noteBroker(values.data, url));
      const end = ({ name, what }: AccountChange): void => {
        if (what !== "account") return;
        const ended = brokerCopy.ending([name]);
        broker.disconnect(name, accounts.find(name) === undefined);
        ended([name]);
      };
      lifetime.add(accounts.changes.on(end));
      return { url, tlsPort };
    },
  };
}
