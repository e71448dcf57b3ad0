import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import type { ChannelDocument } from "#api/client";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { HealthNav } from "../health/health-nav.tsx";
import { t } from "../language/text.ts";
import { useAnswer } from "../state/use-answer.ts";
import { managesPeople } from "../people/people-nav.tsx";
import { useTitle } from "../shell/title.ts";
import { client } from "../state/page-client.ts";
import { BrowsersSection } from "./browsers-section.tsx";
import { ChannelForm } from "./channel-form.tsx";
import { ChannelTable } from "./channel-table.tsx";
import { DeliveryTable } from "./delivery-table.tsx";
import "./notifications.css";

/** By which ways people hear of alerts, and what became of each notice. */
export function NotificationsPage(): JSX.Element {
  useTitle(t("Notifications"));
  const { answer, problem, look, attempt } = useAnswer(async () => {
    const [{ channels }, { deliveries }] = await Promise.all([client.listChannels(), client.listDeliveries()]);
    return { channels, deliveries };
  });
  const changing = useSignal<ChannelDocument | undefined>(undefined);
  const removing = useSignal<ChannelDocument | undefined>(undefined);
  const changed = changing.value;
  const confirmed = (yes: boolean): void => {
    const one = removing.value;
    removing.value = undefined;
    if (yes && one) void attempt(() => client.removeChannel(one.name));
  };
  return (
    <main class="page">
      <div class="page-head">
        <h1>{t("Notifications")}</h1>
        <HealthNav />
      </div>
      <BrowsersSection />
      <h2>{t("Channels")}</h2>
      <p class="hint">{t("By which ways people hear of alerts. Administrators set them up.")}</p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {answer.value && (
        <ChannelTable
          channels={answer.value.channels}
          change={(one) => (changing.value = one)}
          remove={(one) => (removing.value = one)}
          tested={look}
        />
      )}
      <section class="notices">
        <h2>{t("Newest notices")}</h2>
        <DeliveryTable deliveries={answer.value?.deliveries ?? []} />
      </section>
      {managesPeople() && (
        <ChannelForm
          key={changed?.name}
          channel={changed}
          leave={() => (changing.value = undefined)}
          saved={async () => {
            // Another one may have been chosen meanwhile.
            if (changing.peek() === changed) changing.value = undefined;
            await look();
          }}
        />
      )}
      {removing.value && (
        <Confirm
          question={t("Remove the channel “{name}”?", { name: removing.value.name })}
          consequence={t("What waits for it is given up. Rules that name it say nothing by it any more.")}
          action={t("Remove the channel")}
          onAnswer={confirmed}
        />
      )}
    </main>
  );
}
