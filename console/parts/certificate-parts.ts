import type { Bus } from "#shared/bus";
import { Certifying } from "../certificates/certifying.ts";
import { Renewals } from "../certificates/renewals.ts";
import { defaults } from "../console-options.ts";
import type { DeviceParts } from "./device-parts.ts";
import type { Surroundings } from "./surroundings.ts";

/** Devices' certificates: given when they join, and renewed. */
export function certificateParts(
  { options, state, topics, clock, log }: Surroundings,
  { bus, devices }: { readonly bus: Bus; readonly devices: DeviceParts },
) {
  const { certificates, accounts, audit } = state;
  const { issueCertificate: issue, certificateLife: life = defaults.certificateLife } = options;
  const certifying = new Certifying({ certificates, accounts, audit, clock, issue, life });
  const renewals = new Renewals({
    certificates,
    certifying,
    bus,
    topics,
    log,
    refuse: (...told) => devices.refusals.tell(...told),
  });
  return { certifying, renewals };
}
