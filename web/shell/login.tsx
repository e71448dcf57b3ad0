import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ApiError } from "#api/api-errors";
import { logIn } from "../state/session-state.ts";
import { Logo } from "./icons.tsx";
import { useTitle } from "./title.ts";

export function LoginPage(): JSX.Element {
  useTitle("Log in");
  const problem = useSignal<string | undefined>(undefined);
  const busy = useSignal(false);
  const needsCode = useSignal(false);
  const code = useRef<HTMLInputElement>(null);
  const name = useRef<HTMLInputElement>(null);
  const password = useRef<HTMLInputElement>(null);
  useEffect(() => name.current?.focus(), []);

  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    busy.value = true;
    try {
      await logIn(name.current?.value ?? "", password.current?.value ?? "", code.current?.value || undefined);
    } catch (error) {
      const asked = error instanceof ApiError && error.problem?.secondFactor === true;
      problem.value = asked && !needsCode.value ? undefined : error instanceof Error ? error.message : String(error);
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
        <h1 id="login-title">Log in to Muster</h1>
        <div class="field">
          <label for="login-name">Name</label>
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
          <label for="login-password">Password</label>
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
            <label for="login-code">Code of your authenticator, or a recovery code</label>
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
          {busy.value ? "Logging in…" : "Log in"}
        </button>
        <p class="field-note">The first start of Muster prints the administrator's password in its terminal.</p>
      </form>
    </main>
  );
}
