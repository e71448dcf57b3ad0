import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { ChannelDocument, DeliveryDocument } from "#api/client";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { HealthNav } from "../health/health-nav.tsx";
import { t } from "../language/text.ts";
import { useListed } from "../people/listed.ts";
import { managesPeople } from "../people/people-nav.tsx";
import { useTitle } from "../shell/title.ts";
import { client } from "../state/page-client.ts";
import { ChannelForm } from "./channel-form.tsx";
import { ChannelTable } from "./channel-table.tsx";
import { DeliveryTable } from "./delivery-table.tsx";
import "./notifications.css";

/** By which ways people hear of alerts, and what became of each notice. */
export function NotificationsPage(): JSX.Element {
  useTitle(t("Notifications"));
  const { items, problem, attempt } = useListed(async () => (await client.listChannels()).channels);
  const deliveries = useSignal<readonly DeliveryDocument[]>([]);
  const changing = useSignal<ChannelDocument | undefined>(undefined);
  const removing = useSignal<ChannelDocument | undefined>(undefined);
  const readDeliveries = async (): Promise<void> => {
    deliveries.value = (await client.listDeliveries()).deliveries;
  };
  useEffect(() => void attempt(readDeliveries), []);
  const answer = (yes: boolean): void => {
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
      <p class="hint">{t("By which ways people hear of alerts. Administrators set them up.")}</p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      {items.value && (
        <ChannelTable
          channels={items.value}
          change={(one) => (changing.value = one)}
          remove={(one) => (removing.value = one)}
          tested={() => attempt(async () => {})}
        />
      )}
      <section class="notices">
        <h2>{t("Newest notices")}</h2>
        <DeliveryTable deliveries={deliveries.value} />
      </section>
      {managesPeople() && (
        <ChannelForm
          key={changing.value?.name}
          channel={changing.value}
          leave={() => (changing.value = undefined)}
          saved={async () => {
            changing.value = undefined;
            await attempt(async () => {});
          }}
        />
      )}
      {removing.value && (
        <Confirm
          question={t("Remove the channel “{name}”?", { name: removing.value.name })}
          consequence={t("What waits for it is given up. Rules that name it say nothing by it any more.")}
          action={t("Remove the channel")}
          onAnswer={answer}
        />
      )}
    </main>
  );
}
