import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { client } from "../state/page-client.ts";
import { session } from "../state/session-state.ts";
import { useOnce } from "../state/use-answer.ts";
import { RoleChoice, Typed, type PersonRole } from "./labelled.tsx";
import { readGroups } from "./people-nav.tsx";
import { t } from "../language/text.ts";

interface FormProps {
  /** @returns whether it went well */
  readonly save: (act: () => Promise<{ readonly name: string; readonly secret: string }>) => Promise<boolean>;
}

/** Makes a token for a program. */
export function TokenForm({ save }: FormProps): JSX.Element {
  const name = useSignal("");
  const role = useSignal<PersonRole>("viewer");
  const groups = useSignal("");
  const ttl = useSignal("90d");
  const [busy, once] = useOnce();
  const submit = async (): Promise<void> => {
    const limit = readGroups(groups.value);
    const went = await save(() =>
      client.createToken({
        name: name.value,
        role: role.value,
        ttl: ttl.value,
        groups: limit.length > 0 ? limit : undefined,
      }),
    );
    if (went) name.value = "";
  };
  return (
    <section class="command-form" aria-labelledby="token-title">
      <h2 id="token-title">{t("Make a token")}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          once(submit);
        }}
        noValidate
        data-testid="token-form"
      >
        <Typed id="token-name" title={t("What for")} value={name.value} onTyped={(text) => (name.value = text)} />
        <RoleChoice
          id="token-role"
          value={role.value}
          most={session.value?.role ?? "viewer"}
          onTyped={(chosen) => (role.value = chosen)}
        />
        <Typed
          id="token-groups"
          title={t("Only the groups")}
          note={t("separated by commas; nothing for {value}", {
            value: session.value?.groups?.join(", ") ?? t("all devices"),
          })}
          value={groups.value}
          onTyped={(text) => (groups.value = text)}
        />
        <Typed id="token-ttl" title={t("Good for")} value={ttl.value} onTyped={(text) => (ttl.value = text)} />
        <button type="submit" class="button primary" data-testid="token-make" disabled={busy}>
          {t("Make")}
        </button>
      </form>
    </section>
  );
}
