import type { ConsoleSettingDocument } from "#api/console-settings-routes";
import { formatMoment } from "../format/moment.ts";
import { t } from "../language/text.ts";
import { now } from "../state/now.ts";

/** Where a value comes from, in words. */
export function sourceOf(source: string, set?: ConsoleSettingDocument["set"]): string {
  if (set) return t("set by {who}, {moment}", { who: set.by, moment: formatMoment(set.ts, now.value) });
  return source === "default" ? t("default") : source;
}
