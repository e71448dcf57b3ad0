import type { JSX } from "preact";
import { generation, refusals } from "../state/live-state.ts";
import { client } from "../state/page-client.ts";
import { session } from "../state/session-state.ts";
import { useAnswer } from "../state/use-answer.ts";
import { t } from "../language/text.ts";

/** That something of the fleet was not taken, with the way to the page that says what and why. Nothing, where there is none. */
export function SetAsideLine(): JSX.Element | null {
  const { answer } = useAnswer(async () => {
    const mayAct = session.value?.role !== "viewer";
    const [quarantine, refused, series] = await Promise.all([
      client.getQuarantine({ limit: 200 }),
      // What everybody was refused is no viewer's business.
      mayAct ? client.listRefusals({}) : { refusals: [] },
      client.getSeries(),
    ]);
    return {
      // What is told of fields that are not stored is counted with these.
      refused: refused.refusals.reduce((sum, { count, fields }) => sum + (fields ? 0 : count), 0),
      notStored: quarantine.entries.length,
      beyond: series.devices.length,
    };
  }, [generation.value, refusals.value]);
  const { refused = 0, notStored = 0, beyond = 0 } = answer.value ?? {};
  const said = [
    ...(refused > 0 ? [t("{count} refused|{count} refused", { count: refused })] : []),
    ...(notStored > 0 ? [t("{count} field not stored|{count} fields not stored", { count: notStored })] : []),
    ...(beyond > 0
      ? [t("{count} device with too many series|{count} devices with too many series", { count: beyond })]
      : []),
  ];
  if (said.length === 0) return null;
  return (
    <p class="hint" data-testid="set-aside-line">
      {said.join(", ")} → <a href="/set-aside">{t("Set aside")}</a>
    </p>
  );
}
