import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { JoinRequestDocument } from "#api/client";
import { client } from "../state/page-client.ts";
import { useAnswer } from "../state/use-answer.ts";
import { Ago } from "../format/when.tsx";
import { t } from "../language/text.ts";

/** Milliseconds between two looks while somebody has this open: a machine that asks is waited for. */
const lookedEvery = 3_000;

/** Machines that ask to join without a code: let in under a name, once a person has compared the fingerprints; or not. */
export function AskingMachines(): JSX.Element | null {
  const {
    answer: requests,
    problem,
    look,
    attempt,
  } = useAnswer(async () => (await client.listJoinRequests()).requests);
  useEffect(() => {
    const timer = setInterval(() => void look(), lookedEvery);
    return () => clearInterval(timer);
  }, []);
  const asking = requests.value ?? [];
  if (asking.length === 0 && problem.value === undefined) return null;
  return (
    <div data-testid="join-requests">
      <h3>{t("Machines that ask")}</h3>
      <p class="field-note">{t("Let one in only if it shows the same fingerprint.")}</p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {asking.map((request) => (
        <Request key={request.id} request={request} answer={attempt} />
      ))}
    </div>
  );
}

interface RequestProps {
  readonly request: JoinRequestDocument;
  readonly answer: (act: () => Promise<unknown>) => Promise<boolean>;
}

function Request({ request, answer }: RequestProps): JSX.Element {
  const { id, fingerprint, address, hostname, serial, mac, since } = request;
  const name = useSignal("");
  const said = [hostname, serial, mac].filter((one) => one !== null).join(", ");
  const submit = (event: Event): void => {
    event.preventDefault();
    void answer(() => client.approveJoinRequest(id, { name: name.value.trim() }));
  };
  return (
    <form class="request" onSubmit={submit} data-testid={`request-${id}`}>
      <code>{fingerprint}</code>
      <span>
        {address}
        {said && `: ${said}`}
        {t(", since")} <Ago ts={since} />
      </span>
      <input
        aria-label={t("Name of the device")}
        placeholder={t("Name")}
        value={name.value}
        onInput={(event) => (name.value = event.currentTarget.value)}
      />
      <button type="submit" class="button small">
        {t("Let in")}
      </button>
      <button type="button" class="button small" onClick={() => void answer(() => client.denyJoinRequest(id))}>
        {t("Deny")}
      </button>
    </form>
  );
}
