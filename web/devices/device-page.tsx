import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useRoute } from "preact-iso/router";
import type { DeviceDocument, IdentityDocument, PresenceDocument } from "#api/device-routes";
import { ApiError } from "#api/api-errors";
import { client } from "../state/page-client.ts";
import { LaterCharts } from "../charts/later-charts.tsx";
import { CommandForm } from "../commands/command-form.tsx";
import { CommandList } from "../commands/command-list.tsx";
import { PutSection } from "../files/put-section.tsx";
import { formatCoarsely } from "../format/format-duration.ts";
import { formatFact } from "../format/number.ts";
import { Warning } from "../shell/icons.tsx";
import { later } from "../shell/later.tsx";
import { useTitle } from "../shell/title.ts";
import { LaterSettings } from "../settings/later-settings.tsx";
import { fleet, takeDevice, unknownDevice, type Tracked } from "../state/fleet-state.ts";
import { fleetKnown, rowOf, rowsVersion } from "../state/fleet-rows.ts";
import { nextMoment, useNewest } from "../state/newest.ts";
import { generation, lookAt } from "../state/live-state.ts";
import { CompletenessSection } from "./completeness-section.tsx";
import { LabelsLine } from "./labels-line.tsx";
import { PresenceDot, PresenceLine } from "./presence-dot.tsx";
import { RefusedSection } from "./refused-section.tsx";
import { SetAsideSection } from "./set-aside-section.tsx";
import { DeviceUpdate } from "./update-note.tsx";
import { ValuesSection } from "./values.tsx";
import { ToldText } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

const ServiceSection = later(
  "What can be done to it",
  async () => (await import("./service-section.tsx")).ServiceSection,
);

export function DevicePage(): JSX.Element {
  const id = useRoute().params["id"] ?? "";
  useTitle(id);
  useEffect(() => lookAt(id), [id]);
  const newest = useNewest();
  // What was not there may come.
  const listed = useComputed(() => rowsVersion.value >= 0 && rowOf(id) !== undefined);
  useEffect(() => {
    if (generation.value === 0 || !fleetKnown.value) return;
    if (!listed.value) {
      unknownDevice.value = id;
      return;
    }
    if (unknownDevice.peek() === id) unknownDevice.value = undefined;
    const asked = nextMoment();
    const isNewest = newest.begin();
    const take = (known: DeviceDocument): void => takeDevice(known, asked);
    client.getDevice(id).then(take, (error: unknown) => {
      if (isNewest() && error instanceof ApiError && error.status === 404) unknownDevice.value = id;
    });
  }, [id, generation.value, listed.value, fleetKnown.value]);
  const tracked = fleet.value.get(id);
  if (tracked) return <Known key={id} tracked={tracked} />;
  if (unknownDevice.value !== id) return <main class="page" aria-busy="true" />;
  return (
    <main class="page narrow">
      <h1>{t("No device is called “{id}”", { id })}</h1>
      <p class="hint">
        {t("It was removed, or has not reported since this console began.")} <a href="/">{t("To the fleet")}</a>
      </p>
    </main>
  );
}

function Known({ tracked }: { tracked: Tracked }): JSX.Element {
  const device = tracked.presence.value;
  const identity = useSignal<IdentityDocument | undefined>(undefined);
  const whole = useSignal(false);
  const newest = useNewest();
  useEffect(() => {
    // Values that arrive by events fill what could not be fetched.
    const asked = nextMoment();
    const isNewest = newest.begin();
    const take = (known: DeviceDocument): void => {
      takeDevice(known, asked);
      if (isNewest()) identity.value = known.identity;
    };
    void client
      .getDevice(device.id)
      .then(take, () => {})
      .finally(() => (whole.value = true));
    // With each word of its presence: it may say something else of what it measures.
  }, [device.id, tracked.told.value, generation.value]);
  const sent = useSignal<string | undefined>(undefined);
  return (
    <main class="page">
      <Head tracked={tracked} identity={identity.value} />
      <LaterCharts tracked={tracked} ready={whole.value} />
      <div class="columns">
        <section aria-labelledby="send-title">
          <h2 id="send-title">{t("Send a command")}</h2>
          <CommandForm device={device} onSent={(id) => (sent.value = id)} />
          <PutSection device={device} onSent={(id) => (sent.value = id)} />
        </section>
        <section aria-labelledby="commands-title">
          <h2 id="commands-title">{t("Commands")}</h2>
          <CommandList device={device.id} limit={25} sent={sent.value} />
        </section>
      </div>
      <LaterSettings tracked={tracked} />
      <CompletenessSection tracked={tracked} />
      <SetAsideSection device={device.id} />
      <RefusedSection device={device.id} />
      <section aria-labelledby="values-title">
        <h2 id="values-title">{t("Latest values")}</h2>
        <ValuesSection tracked={tracked} />
      </section>
      <ServiceSection device={device} />
    </main>
  );
}

interface HeadProps {
  readonly tracked: Tracked;
  /** How it shows who it is, where that is known yet. */
  readonly identity: IdentityDocument | undefined;
}

interface FactsProps {
  readonly device: PresenceDocument;
  readonly identity: IdentityDocument | undefined;
}

function Head({ tracked, identity }: HeadProps): JSX.Element {
  const device = tracked.presence.value;
  return (
    <header class="device-head">
      <nav aria-label={t("Breadcrumb")}>
        <a href="/">{t("Fleet")}</a> <span aria-hidden="true">/</span>
      </nav>
      <h1>
        <PresenceDot tracked={tracked} />
        {device.name ?? device.id}
        {device.name !== undefined && <span class="device-id">{device.id}</span>}
      </h1>
      <PresenceLine tracked={tracked} />
      {device.problem && (
        <p class="banner">
          <Warning />{" "}
          <span>
            <ToldText text={device.problem} />
          </span>
        </p>
      )}
      <LabelsLine device={device} />
      <DeviceUpdate device={device} />
      <DeviceFacts device={device} identity={identity} />
    </header>
  );
}

function DeviceFacts({ device, identity }: FactsProps): JSX.Element {
  const facts = Object.entries(device.facts ?? {}).map(([name, value]) => [name, formatFact(name, value)] as const);
  const off = Object.entries(device.collectors ?? {}).flatMap(([name, on]) => (on ? [] : [name]));
  const own: (readonly [string, string])[] = [
    ...(device.agent ? [["agent", device.agent] as const] : []),
    ...(device.interval ? [["interval", formatCoarsely(device.interval)] as const] : []),
    ...(off.length > 0 ? [[t("switched off"), off.join(", ")] as const] : []),
    ...(identity ? [["identity", identityText(identity)] as const] : []),
    ...(device.boot ? [["boot", device.boot] as const] : []),
  ];
  return (
    <dl class="facts">
      {[...facts, ...own].map(([name, value]) => (
        <div key={name}>
          <dt>{word(name)}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function identityText({ by, until, authority }: IdentityDocument): string {
  if (by === "none") return t("none: it is let in by nothing");
  if (by === "secret" || until === null) return word(by);
  return t("certificate until {value}, signed by {value2}", {
    value: new Date(until).toISOString().slice(0, 10),
    value2: authority ?? "–",
  });
}
