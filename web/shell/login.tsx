import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { addresses } from "#api/addresses";
import { ApiError } from "#api/api-errors";
import { logIn } from "../state/session-state.ts";
import { providerRefusals } from "#shared/provider-refusals";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { Logo } from "./icons.tsx";
import { useTitle } from "./title.ts";
import { LanguageSwitch } from "../language/language-switch.tsx";
import { t, word } from "../language/text.ts";

export function LoginPage(): JSX.Element {
  useTitle(t("Log in"));
  const problem = useSignal<string | undefined>(takeRefusal());
  const provider = useSignal<string | null>(null);
  const busy = useSignal(false);
  const needsCode = useSignal(false);
  const code = useRef<HTMLInputElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => {
    name.current?.focus();
    // An earlier console knows no other ways, and one that does not answer is told of elsewhere.
    void client.listLoginWays().then(
      (ways) => (provider.value = ways.provider),
      () => {},
    );
  }, []);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await logIn(name.current?.value ?? "", password.current?.value ?? "", code.current?.value || undefined);
    } catch (error) {
      const asked = error instanceof ApiError && error.problem?.secondFactor === true;
      problem.value = asked && !needsCode.value ? undefined : sentenceOf(error);
      needsCode.value = asked;
      if (!asked) password.current?.select();
    } finally {
      busy.value = false;
    }
  };

  return (
    <main class="login">
      <form onSubmit={(event) => void submit(event)} aria-labelledby="login-title">
        <Logo />
        <h1 id="login-title">{t("Log in to Muster")}</h1>
        <div class="field">
          <label for="login-name">{t("Name")}</label>
          <input
            id="login-name"
            data-testid="login-name"
            ref={name}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
          />
        </div>
        <div class="field">
          <label for="login-password">{t("Password")}</label>
          <input
            id="login-password"
            data-testid="login-password"
            ref={password}
            type="password"
            autocomplete="current-password"
            required
          />
        </div>
        {needsCode.value && (
          <div class="field">
            <label for="login-code">{t("Code of your authenticator, or a recovery code")}</label>
            {/* No keypad of digits: recovery codes have letters. */}
            <input
              id="login-code"
              data-testid="login-code"
              ref={code}
              autocomplete="one-time-code"
              spellcheck={false}
              required
            />
          </div>
        )}
        {problem.value && (
          <p class="refusal" role="alert" data-testid="login-problem">
            {problem.value}
          </p>
        )}
        <button type="submit" class="button primary" data-testid="login-submit" disabled={busy.value}>
          {busy.value ? t("Logging in…") : t("Log in")}
        </button>
        {provider.value !== null && (
          <a class="button" href={addresses.beginProviderLogin.path} data-testid="login-provider">
            {t("Log in with {provider}", { provider: provider.value })}
          </a>
        )}
        <p class="field-note">{t("The first start of Muster prints the administrator's password in its terminal.")}</p>
        <LanguageSwitch />
      </form>
    </main>
  );
}

/** Why somebody who comes from the identity provider is not let in, by the address, which does not keep it. */
function takeRefusal(): string | undefined {
  const why = new URLSearchParams(location.search).get("refused") ?? "";
  if (!Object.hasOwn(providerRefusals, why)) return undefined;
  history.replaceState(null, "", location.pathname);
  return word(providerRefusals[why as keyof typeof providerRefusals]);
}
