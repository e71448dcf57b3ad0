import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useModal } from "../shell/use-modal.ts";
import type { UnitWordDocument } from "#api/unit-routes";
import { nextMoment } from "../state/newest.ts";
import { client } from "../state/page-client.ts";
import { takeDevice } from "../state/fleet-state.ts";
import { useAttempt, useOnce } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import type { Panel } from "./panels.ts";
import { t } from "../language/text.ts";

interface DialogProps {
  readonly device: string;
  readonly panel: Panel;
  readonly close: () => void;
}

/** What is typed for a field; the word for a plain number is `none`, and nothing takes the word back. */
interface Typed {
  readonly unit: string;
  readonly title: string;
}

const plainNumber = "none";

/** Says what the fields of a chart are measured in and called: for the device, for a group of it or for all. */
export function UnitDialog({ device, panel, close }: DialogProps): JSX.Element {
  const dialog = useModal();
  const scopes = useSignal<readonly string[]>([`device:${device}`]);
  const scope = useSignal(`device:${device}`);
  /** Undefined until it is known what was said before: what is typed sooner would take it back. */
  const words = useSignal<readonly UnitWordDocument[] | undefined>(undefined);
  const typed = useSignal<Readonly<Record<string, Typed>>>({});
  const { problem, attempt } = useAttempt();
  const [busy, once] = useOnce();
  const said = ({ measurement, field }: Panel["sources"][number]): Typed => {
    const word = words.value?.find(
      (one) => one.scope === scope.value && one.measurement === measurement && one.field === field,
    );
    return { unit: word?.unit === "" ? plainNumber : (word?.unit ?? ""), title: word?.title ?? "" };
  };
  useEffect(() => {
    void attempt(async () => {
      const [{ units }, { groups }] = await Promise.all([client.listUnits(), client.getGroups(device)]);
      words.value = units;
      const limits = session.value?.groups;
      const reach = groups.filter((group) => limits?.includes(group) ?? true).map((group) => `group:${group}`);
      scopes.value = [`device:${device}`, ...reach, ...(limits ? [] : ["default"])];
    });
  }, []);
  const save = (event: Event): void => {
    event.preventDefault();
    // As it stands now, whatever is chosen or typed while it is on its way.
    const to = scope.peek();
    const changed = panel.sources.flatMap((source) => {
      const [before, now] = [said(source), typed.peek()[source.field]];
      return now && (now.unit !== before.unit || now.title !== before.title) ? [{ source, now }] : [];
    });
    once(() =>
      attempt(async () => {
        for (const { source, now } of changed) {
          const unit = now.unit === "" ? null : now.unit === plainNumber ? "" : now.unit;
          const { measurement, field } = source;
          await client.setUnit({ scope: to, measurement, field, unit, title: now.title || null });
        }
        const asked = nextMoment();
        takeDevice(await client.getDevice(device), asked);
        close();
      }),
    );
  };
  return (
    <dialog ref={dialog} class="confirm units" aria-labelledby="units-title" onClose={close}>
      <form onSubmit={save} data-testid="units">
        <h2 id="units-title">{t("Units of {title}", { title: panel.title })}</h2>
        <div class="field">
          <label for="units-scope">{t("For")}</label>
          <select
            id="units-scope"
            data-testid="units-scope"
            value={scope.value}
            onChange={({ currentTarget: { value } }) => {
              scope.value = value;
              typed.value = {};
            }}
          >
            {scopes.value.map((one) => (
              <option key={one} value={one}>
                {scopeName(one)}
              </option>
            ))}
          </select>
        </div>
        {words.value &&
          panel.sources.map((source) => (
            <Fields
              key={source.field}
              name={source.field}
              value={typed.value[source.field] ?? said(source)}
              typed={(value) => (typed.value = { ...typed.value, [source.field]: value })}
            />
          ))}
        <p class="field-note">
          {t("Such as °C, hPa, % or B;")} <code>{plainNumber}</code>{" "}
          {t("for a plain number. Left empty, what the device says or the name counts.")}
        </p>
        {problem.value && (
          <p class="refusal" role="alert">
            {problem.value}
          </p>
        )}
        <div class="actions">
          <button type="button" class="button" onClick={close}>
            {t("Leave")}
          </button>
          <button type="submit" class="button primary" data-testid="units-save" disabled={busy || !words.value}>
            {t("Save")}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface FieldsProps {
  readonly name: string;
  readonly value: Typed;
  readonly typed: (value: Typed) => void;
}

function Fields({ name, value, typed }: FieldsProps): JSX.Element {
  return (
    <fieldset class="field-pair">
      <legend>{name}</legend>
      <div class="field">
        <label for={`unit-${name}`}>{t("Unit")}</label>
        <input
          id={`unit-${name}`}
          data-testid={`unit-${name}`}
          autocomplete="off"
          value={value.unit}
          onInput={({ currentTarget }) => typed({ ...value, unit: currentTarget.value.trim() })}
        />
      </div>
      <div class="field">
        <label for={`unit-title-${name}`}>{t("Title")}</label>
        <input
          id={`unit-title-${name}`}
          data-testid={`unit-title-${name}`}
          autocomplete="off"
          value={value.title}
          onInput={({ currentTarget }) => typed({ ...value, title: currentTarget.value })}
        />
      </div>
    </fieldset>
  );
}

function scopeName(scope: string): string {
  if (scope === "default") return t("all devices");
  return scope.startsWith("group:") ? t("group {name}", { name: scope.slice("group:".length) }) : t("this device");
}
