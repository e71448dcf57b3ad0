import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { counted } from "#shared/counted";
import { formatAgo } from "../format/format-duration.ts";
import { formatValue } from "../format/number.ts";
import { Search } from "../shell/icons.tsx";
import { useTitle } from "../shell/title.ts";
import { counts, fleet, type Tracked } from "../state/fleet-state.ts";
import { now } from "../state/now.ts";
import { isShown, matchesSearch, type Shown } from "./filter.ts";
import { gaugesOf } from "./gauges.ts";
import { session } from "../state/session-state.ts";
import { AddDevice } from "./add-device.tsx";
import { isOutdated, release } from "./outdated.ts";
import { PresenceDot } from "./presence-dot.tsx";
import { RefusedSection } from "./refused-section.tsx";
import { SetAsideSection } from "./set-aside-section.tsx";
import { OutdatedNote } from "./update-note.tsx";

/** All devices, live. */
export function FleetPage(): JSX.Element {
  useTitle("Fleet");
  const words = useSignal("");
  const shown = useSignal<Shown>("all");
  const adding = useSignal(false);
  const devices = useComputed(() =>
    [...(fleet.value?.values() ?? [])]
      .filter(({ state, presence }) => isShown(shown.value, presence.value, state.value))
      .filter(({ presence }) => matchesSearch(presence.value, words.value))
      .sort((a, b) => (a.presence.value.id < b.presence.value.id ? -1 : 1)),
  );
  if (!fleet.value) return <main class="page" aria-busy="true" />;
  return (
    <main class="page">
      <div class="page-head">
        <h1>Fleet</h1>
        <Counts shown={shown.value} onShown={(next) => (shown.value = next)} />
        <label class="search">
          <Search />
          <span class="visually-hidden">Filter devices</span>
          <input
            type="search"
            placeholder="Filter by name or fact"
            data-testid="fleet-filter"
            value={words.value}
            onInput={(event) => (words.value = event.currentTarget.value)}
          />
        </label>
        {session.value?.role !== "viewer" && (
          <button
            type="button"
            class="button"
            data-testid="add-device-button"
            aria-expanded={adding.value}
            onClick={() => (adding.value = !adding.value)}
          >
            Add a device
          </button>
        )}
      </div>
      {adding.value && <AddDevice />}
      <OutdatedNote />
      {fleet.value.size === 0 ? <EmptyFleet /> : <FleetTable devices={devices.value} />}
      <SetAsideSection />
      {session.value?.role !== "viewer" && <RefusedSection />}
    </main>
  );
}

function Counts({ shown, onShown }: { shown: Shown; onShown: (shown: Shown) => void }): JSX.Element {
  const { reporting, silent, retired } = counts.value;
  // Two words more only where some device has no agent.
  const publishing = reporting + silent > 0 ? (["reporting", "silent"] as const) : [];
  const gone = retired > 0 ? (["retired"] as const) : [];
  return (
    <div class="segments" role="group" aria-label="Show devices">
      {(["all", "online", ...publishing, "offline", ...gone] as const).map((which) => (
        <button
          key={which}
          type="button"
          aria-pressed={shown === which}
          data-testid={`count-${which}`}
          onClick={() => onShown(which)}
        >
          {which} <b>{counts.value[which]}</b>
        </button>
      ))}
    </div>
  );
}

/** Roles are said because on a phone the rows are laid out as cards, which takes a table's own roles away. */
function FleetTable({ devices }: { devices: readonly Tracked[] }): JSX.Element {
  if (devices.length === 0) return <p class="hint">No device fits this filter.</p>;
  return (
    <table class="fleet" role="table">
      <thead role="rowgroup">
        <tr role="row">
          {["Device", "CPU", "Memory", "Disk", "Load", "Last seen"].map((name) => (
            <th key={name} role="columnheader" scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody role="rowgroup">
        {devices.map((tracked) => (
          <DeviceRow key={tracked.presence.value.id} tracked={tracked} />
        ))}
      </tbody>
    </table>
  );
}

function DeviceRow({ tracked }: { tracked: Tracked }): JSX.Element {
  const device = tracked.presence.value;
  const { cpu, mem, disk, load } = gaugesOf(tracked.latest.value);
  const seen = tracked.seen.value;
  return (
    <tr
      role="row"
      class={["offline", "silent"].includes(tracked.state.value) ? "device offline" : "device"}
      data-testid={`device-${device.id}`}
    >
      <th role="rowheader" scope="row">
        <PresenceDot tracked={tracked} />
        <a href={`/devices/${encodeURIComponent(device.id)}`}>{device.name ?? device.id}</a>
        {device.name !== undefined && <span class="device-id">{device.id}</span>}
        {tracked.state.value === "silent" && <span class="state wait">Silent</span>}
        {device.online && device.paused && <span class="state wait">Paused</span>}
        {isOutdated(device, release.value) && (
          <span class="state wait" data-testid={`outdated-${device.id}`}>
            Outdated
          </span>
        )}
        {device.problem && <span class="device-problem">{device.problem}</span>}
        {tracked.missing.value > 0 && (
          <span class="device-missing" data-testid={`missing-${device.id}`}>
            {counted(tracked.missing.value, "sample")} missing
          </span>
        )}
      </th>
      <Gauge name="CPU" value={cpu} />
      <Gauge name="Memory" value={mem} />
      <Gauge name="Disk" value={disk} />
      <td role="cell" data-label="Load" class="load">
        {load === undefined ? "–" : load.toFixed(2)}
      </td>
      <td role="cell" data-label="Seen" class="seen">
        {seen === null ? "never" : formatAgo(seen, now.value)}
      </td>
    </tr>
  );
}

/** A share of a hundred as a number and a bar. */
function Gauge({ name, value }: { name: string; value: number | undefined }): JSX.Element {
  const level = value === undefined ? "" : value >= 90 ? "high" : value >= 75 ? "raised" : "";
  return (
    <td role="cell" data-label={name} class="gauge">
      <span class="gauge-value">{value === undefined ? "–" : formatValue(value, "percent")}</span>
      <span class={`bar ${level}`} aria-hidden="true">
        <span style={{ width: `${value ?? 0}%` }} />
      </span>
    </td>
  );
}

function EmptyFleet(): JSX.Element {
  return (
    <section class="empty">
      <h2>No device has reported yet</h2>
      <p>A device appears here by itself, within seconds of its first message. Two ways to get one:</p>
      <dl>
        <dt>Add a device above, or on Muster&rsquo;s machine, and paste the line into its shell</dt>
        <dd>
          <code>npx muster enroll DEVICE</code>
        </dd>
        <dt>Or send one value by hand, with any MQTT client</dt>
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
