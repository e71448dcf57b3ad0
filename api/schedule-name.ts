import type { ScheduleDocument } from "./schedule-routes.ts";

/** Whether a schedule is called by what it does and when, "ping at 0 3 * * *" in whatever language, and not as somebody has called it. */
export function isGeneratedName({
  name,
  cron,
  order: { key },
}: Pick<ScheduleDocument, "name" | "cron"> & { readonly order: { readonly key: string } }): boolean {
  const [before, behind] = [`${key} `, ` ${cron}`];
  if (!name.startsWith(before) || !name.endsWith(behind)) return false;
  return /^\S+$/.test(name.slice(before.length, -behind.length));
}
