import type { Bus } from "#shared/bus";
import { BadInputError } from "#shared/errors";
import { shortId } from "#shared/ids";
import type { Link } from "#shared/link";
import { CaRotation } from "../ca-rotation.ts";
import type { ClockDoubt } from "../clock/clock-doubt.ts";
import type { Registry } from "../devices/registry.ts";
import { defaults } from "../console-options.ts";
import { consoleStatusOf, Publisher } from "../publisher.ts";
import type { LoadedSurroundings } from "./loaded.ts";
import type { Surroundings } from "./surroundings.ts";

/** Milliseconds at most between two tries of the console at a broker that is not there. */
const consoleSpread = 1_000;

/** The way to the broker: the bus that was given, or a link of the console's own. */
export function brokerParts(given: LoadedSurroundings): { readonly bus: Bus; readonly link: Link | undefined } {
  const { bus } = given.options;
  if (bus) return { bus, link: undefined };
  const link = makeLink(given);
  return { bus: link, link };
}

function makeLink({ options, loaded, topics, clock, log }: LoadedSurroundings): Link {
  const { url, username = "console", password = "", mqttVersion = defaults.mqttVersion } = options;
  if (url === undefined || !loaded.Link) throw new BadInputError("a console needs the broker's url, or a bus");
  return new loaded.Link({
    url,
    // Nobody can take the place of a client whose id he cannot guess; a broker that lets everybody choose knows no other way.
    clientId: `${username}-${shortId()}`,
    username,
    password,
    ca: () => options.ca,
    version: mqttVersion,
    will: (session) => ({
      topic: topics.build({ kind: "console" }),
      payload: consoleStatusOf({ session, online: false, now: clock.now() }),
      retain: true,
    }),
    // There is one console, for which the whole fleet waits.
    spread: () => consoleSpread,
    log,
    clock,
  });
}

/** What brings a new authority to all agents. */
export function makeRotation(
  { options, state, topics, clock, log }: Surroundings,
  { bus, registry }: { readonly bus: Bus; readonly registry: Registry },
): CaRotation {
  const { audit } = state;
  const { authority } = options;
  return new CaRotation({ authority, bus, topics, devices: () => registry.list(), audit, clock, log });
}

/** What the console says by itself. */
export function makePublisher(
  { options, topics, clock, log }: Surroundings,
  { bus, doubt, registry }: { readonly bus: Bus; readonly doubt: ClockDoubt; readonly registry: Registry },
): Publisher {
  const publisher = new Publisher({
    bus,
    topics,
    clock,
    log,
    unsure: () => doubt.unsure,
    fleet: () => registry.size,
    certificatePorts: options.deviceAuthority && options.certificatePorts,
  });
  registry.changes.on(() => publisher.fleetChanged());
  registry.removals.on(() => publisher.fleetChanged());
  return publisher;
}
