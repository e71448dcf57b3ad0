import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { PresenceDocument } from "#api/device-routes";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { generation } from "../state/live-state.ts";
import { useOffered } from "../state/offered-keys.ts";
import { client } from "../state/page-client.ts";
import { useNewest } from "../state/newest.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { fetchRelease, isOutdated, offersUpdate, outdated, release, releaseProblem, updateOrder } from "./outdated.ts";
import { t } from "../language/text.ts";

/** How many agents are outdated, with a job that updates them; nothing where none is. */
export function OutdatedNote(): JSX.Element | null {
  useRelease();
  useOffered();
  const { length: count } = outdated.value;
  const problem = releaseProblem.value;
  if (problem !== undefined && session.value?.role !== "viewer")
    return (
      <p class="hint" data-testid="release-problem">
        {problem}
      </p>
    );
  if (!release.value || count === 0) return null;
  const one = count === 1;
  return (
    <p class="update-note" data-testid="outdated-note">
      {t("{count} agent can be updated to release {version}.|{count} agents can be updated to release {version}.", {
        count,
        version: release.value.version,
      })}{" "}
      <UpdateButton devices={outdated.value} label={one ? t("Update it") : t("Update them")} />
    </p>
  );
}

/** The same of one device. */
export function DeviceUpdate({ device }: { device: PresenceDocument }): JSX.Element | null {
  useRelease();
  if (!release.value) return null;
  if (device.noUpdate !== undefined && !offersUpdate(device))
    return (
      <p class="update-note" data-testid="device-no-update">
        {t("Its agent is not updated from here: {noUpdate}.", { noUpdate: device.noUpdate })}
      </p>
    );
  if (!isOutdated(device, release.value)) return null;
  return (
    <p class="update-note" data-testid="device-outdated">
      {t("Its agent is not at release {version}.", { version: release.value.version })}{" "}
      {offersUpdate(device) ? (
        <UpdateButton devices={[device]} label={t("Update it")} />
      ) : (
        t("It cannot update itself: join it again by a line that the console makes now.")
      )}
    </p>
  );
}

function useRelease(): void {
  useEffect(() => void fetchRelease(), [generation.value]);
}

function UpdateButton({
  devices,
  label,
}: {
  devices: readonly Pick<PresenceDocument, "id" | "online">[];
  label: string;
}): JSX.Element | null {
  const { route } = useLocation();
  const asking = useSignal(false);
  const here = useNewest();
  const problem = useSignal<string | undefined>(undefined);
  if (session.value?.role === "viewer") return null;
  const answer = async (yes: boolean): Promise<void> => {
    asking.value = false;
    if (!yes) return;
    try {
      const isHere = here.begin();
      const { id } = await client.createJob(updateOrder(devices));
      if (isHere()) route(`/jobs/${encodeURIComponent(id)}`);
    } catch (error) {
      problem.value = sentenceOf(error);
    }
  };
  const what =
    devices.length === 1 ? (devices[0]?.id ?? "") : t("{count} device|{count} devices", { count: devices.length });
  return (
    <>
      <button type="button" class="button" data-testid="update-button" onClick={() => (asking.value = true)}>
        {label}
      </button>
      {problem.value && (
        <span class="refusal" role="alert">
          {problem.value}
        </span>
      )}
      {asking.value && (
        <Confirm
          question={t("Update {what}?", { what })}
          consequence={[
            ...(devices.length > 1
              ? [t("One goes first, then ten a minute; the job stops when one in five has failed.")]
              : []),
            t("An agent that does not prove itself within a minute goes back to its version of before by itself."),
          ].join(" ")}
          action={t("Update")}
          onAnswer={(yes) => void answer(yes)}
        />
      )}
    </>
  );
}
