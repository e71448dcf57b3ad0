import { useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { PresenceDocument } from "#api/device-routes";
import { maxDisplayName, maxDeviceNote } from "#shared/device-labels";
import { client } from "../state/page-client.ts";
import { sentenceOf, useOnce } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

interface LabelFormProps {
  readonly device: PresenceDocument;
  readonly onEnd: () => void;
}

/** Name, groups, tags and note of one device, in place. Escape leaves them as they are. */
export function LabelForm({ device, onEnd }: LabelFormProps): JSX.Element {
  const name = useSignal(device.name ?? "");
  const groups = useSignal((device.groups ?? []).join(" "));
  const tags = useSignal((device.tags ?? []).join(" "));
  const note = useSignal(device.note ?? "");
  const problem = useSignal<string | undefined>(undefined);
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []);
  const save = async (): Promise<void> => {
    try {
      // The events bring what has become of it.
      await client.setLabels(device.id, { name: name.value, note: note.value, tags: wordsIn(tags.value) });
      const wanted = wordsIn(groups.value);
      if (wanted.toSorted().join() !== (device.groups ?? []).toSorted().join())
        await client.setGroups(device.id, { groups: wanted });
      onEnd();
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  const [busy, once] = useOnce();
  const submit = (event: Event): void => {
    event.preventDefault();
    once(save);
  };
  const leave = (event: KeyboardEvent): void => {
    if (event.key === "Escape") onEnd();
  };
  return (
    <form class="label-form" data-testid="label-form" onSubmit={submit} onKeyDown={leave}>
      <div class="field">
        <label for="label-name">{t("Name")}</label>
        <input
          ref={first}
          id="label-name"
          data-testid="label-name"
          autocomplete="off"
          maxLength={maxDisplayName}
          placeholder={device.id}
          value={name.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
      </div>
      <Words id="groups" label={t("Groups")} value={groups} />
      <Words id="tags" label={t("Tags")} value={tags} />
      <div class="field wide">
        <label for="label-note">{t("Note")}</label>
        <textarea
          id="label-note"
          data-testid="label-note"
          rows={3}
          maxLength={maxDeviceNote}
          value={note.value}
          onInput={(event) => (note.value = event.currentTarget.value)}
        />
      </div>
      {problem.value && (
        <p class="refusal wide" role="alert" data-testid="label-refused">
          {problem.value}
        </p>
      )}
      <div class="actions wide">
        <button type="submit" class="button primary" data-testid="label-save" disabled={busy}>
          {t("Save")}
        </button>
        <button type="button" class="button" onClick={onEnd}>
          {t("Leave as it is")}
        </button>
      </div>
    </form>
  );
}

function Words({ id, label, value }: { id: string; label: string; value: Signal<string> }): JSX.Element {
  return (
    <div class="field">
      <label for={`label-${id}`}>{label}</label>
      <input
        id={`label-${id}`}
        data-testid={`label-${id}`}
        autocomplete="off"
        spellcheck={false}
        placeholder={t("none; words with a space between them")}
        value={value.value}
        onInput={(event) => (value.value = event.currentTarget.value)}
      />
    </div>
  );
}

const wordsIn = (text: string): string[] => text.split(/[\s,]+/).filter(Boolean);
