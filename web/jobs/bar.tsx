import type { JSX } from "preact";
import type { JobCounts } from "#api/job-routes";
import { t, word } from "../language/text.ts";

/** How far a job is, as a bar and in words. */
export function CountsBar({ counts }: { counts: JobCounts }): JSX.Element {
  const { total, succeeded, failed, cancelled, sent, waiting, skipped = 0 } = counts;
  const parts = [
    ["good", succeeded, "succeeded"],
    ["bad", failed - skipped, "failed"],
    ["dull", skipped, "skipped"],
    ["dull", cancelled, "cancelled"],
    ["busy", sent, "open"],
    ["", waiting, "waiting"],
  ] as const;
  const shown = parts.filter(([, count]) => count > 0);
  return (
    <div class="job-counts" data-testid="job-counts" data-succeeded={succeeded} data-total={total}>
      <span class="job-bar" aria-hidden="true">
        {shown.map(([tone, count, name]) => (
          <span key={name} class={tone} style={{ width: `${(count / total) * 100}%` }} />
        ))}
      </span>
      <span class="muted">
        {t("{list} of {total}", { list: shown.map(([, count, name]) => `${count} ${word(name)}`).join(", "), total })}
      </span>
    </div>
  );
}
