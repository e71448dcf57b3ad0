import { hostname } from "node:os";
import { descriptorLimit, portsWithin, type Ports } from "#shared/descriptors";
import type { Lifetime } from "#shared/lifetime";
import { createLog } from "#shared/log";
import type { SafetyNet } from "#shared/safety-net";
import type { Settings } from "#shared/settings";
import type { Tls } from "./tls.ts";

/** What every part that serves is given: where to say how it is stopped, and the one net of the process. */
export interface Around {
  readonly lifetime: Lifetime;
  readonly net: SafetyNet;
  readonly ports: Ports;
  /** Where something is open beyond loopback. */
  readonly tls: Tls | undefined;
  /** Where the embedded broker speaks TLS, once it listens. */
  readonly tlsPort?: () => number | undefined;
}

/** How many connections each port takes: fewer than it could where the system does not give the process as many descriptors. */
export async function portsOf({ logLevel }: Settings, serves: { mqtt: boolean; http: boolean }): Promise<Ports> {
  const { defaultLimits } = await import("../../broker/limits.ts");
  const { httpBounds } = await import("../../console/http/http-connections.ts");
  const wanted = {
    mqtt: serves.mqtt ? defaultLimits.connections : 0,
    http: serves.http ? httpBounds.connections : 0,
  };
  const limit = descriptorLimit();
  const ports = portsWithin(limit, wanted);
  if (ports.mqtt < wanted.mqtt || ports.http < wanted.http)
    createLog("muster", logLevel).warn(
      { limit, ...ports },
      `the system allows ${limit ?? 0} open files: room for ${ports.mqtt} MQTT and ${ports.http} HTTP connections; raise it (ulimit -n, or LimitNOFILE= of systemd) for more`,
    );
  return ports;
}

/** What browsers may call this Muster. */
export function ownNames({ listen, hosts }: Settings): readonly string[] {
  return [hostname(), `${hostname()}.local`, listen, ...hosts];
}
