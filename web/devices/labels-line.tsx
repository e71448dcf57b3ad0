import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PresenceDocument } from "#api/device-routes";
import { later } from "../shell/later.tsx";
import { session } from "../state/session-state.ts";
import { t } from "../language/text.ts";

const LabelForm = later("The form", async () => (await import("./label-form.tsx")).LabelForm);

/** Groups, tags and note of a device under its name, edited in place. */
export function LabelsLine({ device }: { device: PresenceDocument }): JSX.Element {
  const editing = useSignal(false);
  const { groups = [], tags = [], note } = device;
  if (editing.value) return <LabelForm device={device} onEnd={() => (editing.value = false)} />;
  return (
    <div class="labels" data-testid="labels">
      {groups.map((group) => (
        <span key={`g ${group}`} class="label-tag group" title={t("Group")}>
          {group}
        </span>
      ))}
      {tags.map((tag) => (
        <span key={`t ${tag}`} class="label-tag" title={t("Tag")}>
          {tag}
        </span>
      ))}
      {session.value?.role !== "viewer" && (
        <button type="button" class="button small" data-testid="labels-edit" onClick={() => (editing.value = true)}>
          {t("Name, groups, tags, note")}
        </button>
      )}
      {note !== undefined && (
        <p class="note" data-testid="labels-note">
          {note}
        </p>
      )}
    </div>
  );
}
