import type { JSX } from "preact";
import { t } from "../language/text.ts";

/** How the first device gets here. */
export function EmptyFleet(): JSX.Element {
  return (
    <section class="empty">
      <h2>{t("No device has reported yet")}</h2>
      <p>{t("A device appears here by itself, within seconds of its first message. Two ways to get one:")}</p>
      <dl>
        <dt>{t("Add a device above, or on Muster’s machine, and paste the line into its shell")}</dt>
        <dd>
          <code>npx muster enroll DEVICE</code>
        </dd>
        <dt>{t("Or send one value by hand, with any MQTT client")}</dt>
        <dd>
          <code>
            mosquitto_pub -h HOST -u DEVICE -P SECRET -i DEVICE -t muster/DEVICE/metrics/garden -m '
            {`{"temperature":21.5}`}'
          </code>
        </dd>
      </dl>
    </section>
  );
}
