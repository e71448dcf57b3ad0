import { parseBrokerUrl, inUrl } from "#shared/address";
import type { CertificatePorts } from "#shared/messages/presence-messages";
import { settings } from "#shared/settings";

/** Where they are unless somebody has said otherwise. */
const usual: CertificatePorts = { muster: settings.mqttsPort.default, mosquitto: settings.certificatePort.default };

/**
 * The other ways to the broker of a device with a certificate. Muster's own takes it at the port where passwords are taken too, Mosquitto at one of
 * its own; when one of them takes the other's place nobody tells a device that is off. The host stays, and has to prove itself as ever.
 * @param url as the agent was given it; one for WebSockets has one way
 */
export function otherWays(url: string, { muster, mosquitto }: CertificatePorts = usual): readonly string[] {
  const { protocol, host } = parseBrokerUrl(url);
  return protocol === "mqtts" ? [muster, mosquitto].map((port) => `mqtts://${inUrl(host)}:${port}`) : [];
}
