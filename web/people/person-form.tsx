import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { PersonDocument } from "#api/account-routes";
import { client } from "../state/page-client.ts";
import { useOnce } from "../state/use-answer.ts";
import { RoleChoice, Typed, type PersonRole } from "./labelled.tsx";
import { readGroups } from "./people-nav.tsx";
import { t } from "../language/text.ts";

interface Saved {
  readonly name: string;
  readonly password?: string | undefined;
}

interface FormProps {
  /** Whose account is changed; a new one is made without. */
  readonly person: PersonDocument | undefined;
  readonly leave: () => void;
  /** @returns whether it went well */
  readonly save: (act: () => Promise<Saved>) => Promise<boolean>;
}

/** Makes an account, or changes one. */
export function PersonForm({ person, leave, save }: FormProps): JSX.Element {
  const name = useSignal(person?.name ?? "");
  const role = useSignal<PersonRole>(person?.role ?? "operator");
  const groups = useSignal(person?.groups?.join(", ") ?? "");
  const password = useSignal("");
  const fresh = useSignal(false);
  const [busy, once] = useOnce();
  const submit = async (): Promise<void> => {
    const limit = readGroups(groups.value);
    const typed = password.value === "" ? undefined : password.value;
    const rights = { role: role.value };
    const went = await save(() =>
      person
        ? client.changeAccount(person.name, {
            ...rights,
            groups: limit.length > 0 ? limit : null,
            password: typed ?? (fresh.value ? true : undefined),
          })
        : client.addAccount({
            ...rights,
            name: name.value,
            groups: limit.length > 0 ? limit : undefined,
            password: typed,
          }),
    );
    if (!went) return;
    name.value = "";
    groups.value = "";
    password.value = "";
  };
  return (
    <section class="command-form" aria-labelledby="person-title">
      <h2 id="person-title">{person ? t("Change {name}", { name: person.name }) : t("Add somebody")}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          once(submit);
        }}
        noValidate
        data-testid="person-form"
      >
        {!person && (
          <Typed id="person-name" title={t("Name")} value={name.value} onTyped={(text) => (name.value = text)} />
        )}
        <RoleChoice id="person-role" value={role.value} onTyped={(chosen) => (role.value = chosen)} />
        <Typed
          id="person-groups"
          title={t("Only the groups")}
          note={t("separated by commas; nothing for all devices")}
          value={groups.value}
          onTyped={(text) => (groups.value = text)}
        />
        <Typed
          id="person-password"
          title={t("Password")}
          note={person ? t("nothing to leave it as it is") : t("nothing to have one made")}
          password
          value={password.value}
          onTyped={(text) => (password.value = text)}
        />
        {person && (
          <div class="field field-switch">
            <label for="person-fresh">{t("Have a new one made")}</label>
            <input
              id="person-fresh"
              data-testid="person-fresh"
              type="checkbox"
              checked={fresh.value}
              onChange={(event) => (fresh.value = event.currentTarget.checked)}
            />
          </div>
        )}
        <button type="submit" class="button primary" data-testid="person-save" disabled={busy}>
          {person ? t("Change") : t("Add")}
        </button>{" "}
        {person && (
          <button type="button" class="button" onClick={leave}>
            {t("Leave it as it is")}
          </button>
        )}
        {person && (
          <p class="field-note">
            {t("What is open under the old role, groups or password ends, and tokens of the account are void.")}
          </p>
        )}
      </form>
    </section>
  );
}
