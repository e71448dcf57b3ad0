import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import type { MadeEnrollment } from "#api/client";
import type { PresenceDocument } from "#api/device-routes";
import type { RemovalPlanDocument } from "#api/service-routes";
import { removalText } from "#shared/removal-text";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { client } from "../state/page-client.ts";
import { useAttempt } from "../state/use-answer.ts";
import { dropDevice } from "../state/fleet-state.ts";
import { session } from "../state/session-state.ts";
import { MadeCode } from "./made-code.tsx";
import { t } from "../language/text.ts";

/** What is asked before it is done. */
type Asked = { readonly kind: "retire" } | { readonly kind: "remove"; readonly plan: RemovalPlanDocument };

/** Another machine in its place, out of service and back, and away for good. Nothing, for who may not. */
export function ServiceSection({ device }: { device: PresenceDocument }): JSX.Element | null {
  const { route } = useLocation();
  const { id, retired } = device;
  const asked = useSignal<Asked | undefined>(undefined);
  const made = useSignal<MadeEnrollment | undefined>(undefined);
  const told = useSignal<string | undefined>(undefined);
  const { problem, attempt: doIt } = useAttempt();
  const role = session.value?.role;
  if (role !== "admin" && role !== "operator") return null;
  const attempt = (act: () => Promise<unknown>): Promise<boolean> => {
    told.value = undefined;
    return doIt(act);
  };
  const replace = (): Promise<boolean> =>
    attempt(async () => {
      const certificate = (await client.getDevice(id)).identity?.by === "certificate";
      const origin = window.location.origin;
      made.value = await client.createEnrollment({
        name: id,
        again: true,
        origin,
        ...(certificate ? { certificate } : {}),
      });
    });
  const bringBack = (): Promise<boolean> =>
    attempt(async () => {
      const { comesIn } = await client.bringBack(id);
      if (!comesIn)
        told.value = t(
          "{id} is in service again; what it came in by has ended, so that it has to be replaced or enrolled again.",
          { id },
        );
    });
  const remove = async (): Promise<void> => {
    const here = window.location.pathname;
    await client.removeDevice(id);
    // Who went elsewhere meanwhile stays there. (The event of the removal may have come before the answer, and taken this section away.)
    if (window.location.pathname === here) route("/");
    dropDevice({ device: id });
  };
  const answer = (yes: boolean): void => {
    const what = asked.value;
    asked.value = undefined;
    if (!yes || !what) return;
    void attempt(what.kind === "retire" ? () => client.retireDevice(id) : remove);
  };
  return (
    <section aria-labelledby="service-title">
      <h2 id="service-title">{t("Replace, retire, remove")}</h2>
      <p class="hint">
        {t(
          "A new machine takes over its name and history; retired it is let in no more and keeps both; removed, all that is known of it goes but its samples.",
        )}
      </p>
      {problem.value && (
        <p class="refusal" role="alert">
          {problem.value}
        </p>
      )}
      {told.value && (
        <p class="hint" role="status">
          {told.value}
        </p>
      )}
      <div class="service-actions">
        <button type="button" class="button" data-testid="replace-device" onClick={() => void replace()}>
          {t("Replace {id}", { id })}
        </button>
        {retired ? (
          <button type="button" class="button" data-testid="return-device" onClick={() => void bringBack()}>
            {t("Bring {id} back", { id })}
          </button>
        ) : (
          <button
            type="button"
            class="button"
            data-testid="retire-device"
            onClick={() => (asked.value = { kind: "retire" })}
          >
            {t("Retire {id}", { id })}
          </button>
        )}
        {role === "admin" && (
          <button
            type="button"
            class="button"
            data-testid="remove-device"
            onClick={() =>
              void attempt(async () => void (asked.value = { kind: "remove", plan: await client.planRemoval(id) }))
            }
          >
            {t("Remove {id}", { id })}
          </button>
        )}
      </div>
      {made.value && (
        <>
          <p class="hint" data-testid="replace-told">
            {t(
              "When the new machine has joined, the old secret of {id} ends, and the old machine with it. Name, groups, tags, note, settings and history stay; what the old machine has not sent is counted as missing, with the reason.",
              { id },
            )}
          </p>
          <MadeCode made={made.value} />
        </>
      )}
      {asked.value && (
        <Confirm
          question={asked.value.kind === "retire" ? t("Retire {id}?", { id }) : t("Remove {id}?", { id })}
          consequence={
            asked.value.kind === "retire"
              ? t(
                  "Its connection ends now and its open commands are cancelled. Its history, name, groups and settings stay, jobs pass it by, and it can be brought back.",
                )
              : t("{plan} {samples} This cannot be undone.", {
                  plan: removalText(asked.value.plan),
                  samples: sentence(asked.value.plan.samples),
                })
          }
          action={asked.value.kind === "retire" ? t("Retire the device") : t("Remove the device")}
          onAnswer={answer}
        />
      )}
    </section>
  );
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
