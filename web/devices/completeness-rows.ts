import type { CompletenessDocument, GapDocument } from "#api/completeness-routes";
import { formatMoment } from "../format/moment.ts";
import { now } from "../state/now.ts";
import { inLocale, t } from "../language/text.ts";

/** One number of the summary, with what is to be said about it. */
export interface Count {
  readonly name: string;
  readonly value: string;
  readonly note?: string;
  readonly bad: boolean;
}

const whole = inLocale((of) => new Intl.NumberFormat(of));

export function countsOf({
  expected,
  stored,
  setAside,
  missing,
  outstanding,
  forgotten,
}: CompletenessDocument): Count[] {
  const { batches, samples, since } = outstanding;
  const waiting =
    batches === 0
      ? { value: "0" }
      : {
          value: `~${whole().format(samples)}`,
          note:
            since === null
              ? t("in {count} batch|in {count} batches", { count: batches })
              : t("in {count} batch since {moment}|in {count} batches since {moment}", {
                  count: batches,
                  moment: formatMoment(since, now.value),
                }),
        };
  return [
    { name: "expected", value: whole().format(expected), bad: false },
    { name: "stored", value: whole().format(stored), bad: false },
    { name: "missing", value: whole().format(missing), bad: missing > 0 },
    { name: "outstanding", ...waiting, bad: false },
    ...(forgotten.batches > 0
      ? [
          {
            name: "forgotten",
            value: `~${whole().format(forgotten.samples)}`,
            note: t("acknowledged before the console was restored"),
            bad: false,
          },
        ]
      : []),
    ...(setAside > 0 ? [{ name: t("set aside"), value: whole().format(setAside), bad: true }] : []),
  ];
}

export interface GapRow {
  readonly key: string;
  readonly from: number | null;
  readonly to: number | null;
  readonly samples: string;
  readonly why: string;
}

/** Gaps on the page at most. */
const maxGapsShown = 50;

/** The newest gaps, newest first. @returns also how many are left out */
export function gapRows(gaps: readonly GapDocument[]): { rows: readonly GapRow[]; older: number } {
  const rows = gaps.toReversed().slice(0, maxGapsShown);
  return {
    rows: rows.map(({ outbox, first, from, to, samples, estimated, why }, at) => ({
      key: outbox === null ? `together-${at}` : `${outbox}-${first}`,
      from,
      to,
      samples: `${estimated ? "~" : ""}${whole().format(samples)}`,
      why,
    })),
    older: gaps.length - rows.length,
  };
}
