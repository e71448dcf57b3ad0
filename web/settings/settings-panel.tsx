import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { DeviceSettingsDocument } from "#api/configuration-routes";
import { listCommands } from "../state/command-state.ts";
import type { Tracked } from "../state/fleet-state.ts";
import { generation } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { MatrixTable } from "../shell/matrix-table.tsx";
import { browserKey } from "../signing/browser-key.ts";
import { signOrder } from "../signing/sign-order.ts";
import { SigningNote } from "../signing/signing-note.tsx";
import { HeldSettings } from "./held-settings.tsx";
import { SettingsEditor } from "./settings-editor.tsx";
import { mayApply, reportedText, stateTone, stateWord, scopeWord } from "./settings-words.ts";
import "./settings.css";
import { ToldText } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** Milliseconds that a command with settings may wait: over the trial of settings that may cut a device off. */
const patience = 600_000;

/** What is wanted of a device's settings, what it has, why these differ, and the way to change them. */
export function SettingsPanel({ tracked }: { tracked: Tracked }): JSX.Element {
  const device = tracked.presence.value;
  const editing = useSignal(false);
  // With each word of the device, and of the commands by which settings come to it.
  const newest = listCommands(device.id).find(({ key }) => key === "configure");
  const {
    answer: known,
    problem,
    look,
    attempt,
  } = useAnswer<DeviceSettingsDocument>(
    () => client.getDeviceSettings(device.id),
    [device, generation.value, `${newest?.id} ${newest?.state}`],
  );
  const apply = (): Promise<boolean> =>
    attempt(async () => {
      const key = browserKey.value;
      if (device.signers && key && known.value) {
        const { version, settings } = known.value.desired;
        const order = { key: "configure", args: { version, settings }, timeout: patience, ttl: patience };
        await client.sendCommand(device.id, await signOrder(key, device.id, order), { wait: false });
      } else await client.applySettings(device.id);
    });
  const mayChange = session.value?.role !== "viewer";
  const settings = known.value;
  return (
    <section aria-labelledby="settings-title" data-testid="settings" data-state={settings?.state}>
      <div class="section-head">
        <h2 id="settings-title">{t("Settings")}</h2>
        {settings && <span class={`setting-state ${stateTone(settings.state)}`}>{stateWord(settings.state)}</span>}
        {mayChange && !editing.value && (
          <button type="button" class="button small" data-testid="settings-edit" onClick={() => (editing.value = true)}>
            {t("Change")}
          </button>
        )}
        {mayChange && settings && mayApply(settings.state) && (
          <button type="button" class="button small" data-testid="settings-apply" onClick={() => void apply()}>
            {t("Send again")}
          </button>
        )}
      </div>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {settings && <Known settings={settings} />}
      {settings?.state === "unsigned" && device.signers && <SigningNote signers={device.signers} />}
      {editing.value && <SettingsEditor device={device.id} leave={() => (editing.value = false)} saved={look} />}
      {mayChange && device.online && <HeldSettings device={device.id} />}
    </section>
  );
}

function Known({ settings }: { settings: DeviceSettingsDocument }): JSX.Element {
  const { state, why, desired } = settings;
  const wanted = Object.entries(desired.settings);
  return (
    <div class="panel settings">
      {wanted.length === 0 ? (
        <p class="hint">{t("Nothing is set from here: the machine's own settings hold.")}</p>
      ) : (
        <div class="scroll told" tabIndex={0} role="region" aria-label={t("Settings that are wanted")}>
          <MatrixTable data-testid="settings-wanted">
            <thead>
              <tr>
                {(["Setting", "Wanted", "Said for"] as const).map((name) => (
                  <th key={name} scope="col">
                    {t(name)}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {wanted.map(([key, value]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td class="wrap brief setting-value">{value}</td>
                  <td>{scopeWord(desired.from[key] ?? "default")}</td>
                </tr>
              ))}
            </tbody>
          </MatrixTable>
        </div>
      )}
      {(settings.reported ?? wanted.length > 0) && <p class="hint">{reportedText(settings)}</p>}
      {stateTone(state) !== "good" && state !== "none" && (
        <p class={stateTone(state) === "bad" ? "refusal" : "hint"} data-testid="settings-why">
          <ToldText text={why ?? ""} />
        </p>
      )}
    </div>
  );
}
