import type { Bus } from "#shared/bus";
import { Certifying } from "../certificates/certifying.ts";
import { DeviceRotation } from "../certificates/device-rotation.ts";
import { Renewals } from "../certificates/renewals.ts";
import { defaults } from "../console-options.ts";
import type { DeviceParts } from "./device-parts.ts";
import { EndedConnections } from "../devices/ended-connections.ts";
import type { Publisher } from "../publisher.ts";
import type { Surroundings } from "./surroundings.ts";

/** Devices' certificates: given when they join, and renewed. */
export function certificateParts(
  { options, state, topics, clock, log }: Surroundings,
  { bus, devices, publisher }: { readonly bus: Bus; readonly devices: DeviceParts; readonly publisher: Publisher },
) {
  const { certificates, accounts, audit } = state;
  const { deviceAuthority: authority } = options;
  const certifying = new Certifying({
    certificates,
    accounts,
    audit,
    clock,
    authority,
    get life() {
      return options.certificateLife ?? defaults.certificateLife;
    },
  });
  const deviceRotation = new DeviceRotation({
    authority,
    certificates,
    bus,
    topics,
    isOnline: (device) => devices.registry.get(device)?.online ?? false,
    audit,
    clock,
    log,
  });
  const renewals = new Renewals({
    certificates,
    certifying,
    bus,
    topics,
    log,
    cameIn: (device) => deviceRotation.heard(device),
    refuse: (...told) => devices.refusals.tell(...told),
  });
  const endedConnections = new EndedConnections({
    registry: devices.registry,
    clock,
    comesIn: (device) => certificates.comesIn(device),
    publish: (device, death) => publisher.death(device, death),
  });
  return { certifying, renewals, deviceRotation, endedConnections };
}
