import { spreadOf } from "#shared/back-off";
import { Link } from "#shared/link";
import { settings } from "#shared/settings";
import type { Topics } from "#shared/topics";
import { otherWays } from "../certificate/broker-ports.ts";
import { KeptCertificates } from "../certificate/kept-certificates.ts";
import { ConsolePresence } from "../console-presence.ts";
import type { DailyBudget } from "../metrics/daily-budget.ts";
import { death } from "../presence.ts";
import { ConnectionHistory } from "../support/connection-history.ts";
import { TrustedAuthorities } from "../trusted-authorities.ts";
import type { AgentSurroundings } from "./agent-surroundings.ts";

/** Seconds between pings where each byte is paid for. */
const meteredKeepalive = 240;

interface Around {
  readonly topics: Topics;
  /** Where bytes are counted. */
  readonly budget: Pick<DailyBudget, "spend"> | undefined;
  /** Gives birth again: what the device says of itself has changed. */
  readonly announce: () => void;
}

/** The connection to the broker, and what is shown and trusted there. */
export function connectionParts(given: AgentSurroundings, { topics, budget, announce }: Around) {
  const { options, clock, log } = given;
  const { directory, configuring } = options;
  const console = new ConsolePresence();
  const authorities = new TrustedAuthorities({
    directory,
    given: options.ca,
    areConfigured: configuring?.inForce["ca"] !== undefined,
    log,
    changed: announce,
  });
  const certificates = options.certified && directory !== undefined ? new KeptCertificates({ directory }) : undefined;
  const link = makeLink(given, { topics, budget, console, authorities, certificates });
  return { console, authorities, certificates, link, connections: new ConnectionHistory(clock) };
}

interface LinkParts extends Pick<Around, "topics" | "budget"> {
  readonly console: ConsolePresence;
  readonly authorities: TrustedAuthorities;
  readonly certificates: KeptCertificates | undefined;
}

function makeLink(
  { options, device, runId, clock, log }: AgentSurroundings,
  { topics, budget, console, authorities, certificates }: LinkParts,
): Link {
  return new Link({
    url: options.url,
    elsewhere: certificates && (() => otherWays(options.url, certificates.ports)),
    ca: () => authorities.pem,
    clientId: device,
    username: device,
    ...(certificates
      ? { identity: { show: () => certificates.show(), failed: () => certificates.failed() } }
      : { password: options.password }),
    version: options.mqttVersion ?? settings.mqttVersion.default,
    refusedHint: () =>
      certificates
        ? certificateHint(certificates.expires, clock.now())
        : "if the device was enrolled again, give the agent its new secret",
    will: (session) => ({
      topic: topics.build({ kind: "status", device }),
      payload: death(runId, session, "connection lost"),
      retain: true,
    }),
    spread: (least) => spreadOf(console.fleet, least),
    ...(budget ? { spent: (bytes: number): void => budget.spend(bytes), keepalive: meteredKeepalive } : {}),
    log,
    clock,
  });
}

/** Why a broker may not take a certificate, as far as it can be known here. */
function certificateHint(expires: number | undefined, now: number): string {
  if (expires === undefined) return "this device has no certificate to show: enrol it again";
  const until = new Date(expires).toISOString();
  if (now < expires)
    return `the certificate is good until ${until}: it was revoked, or the device was enrolled again elsewhere; or this machine's clock (${new Date(now).toISOString()}) is behind`;
  return `the certificate was over at ${until}, if this machine's clock (${new Date(now).toISOString()}) is right: enrol the device again, with muster enroll NAME --again --certificate`;
}
