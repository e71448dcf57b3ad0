import { useComputed, useSignal, type Signal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { ScheduleDocument } from "#api/schedule-routes";
import { isGeneratedName } from "#api/schedule-name";
import { targetInWords } from "./looks.ts";
import { writtenDuration } from "../format/format-duration.ts";
import { formatMoment } from "../format/moment.ts";
import { generation } from "../state/live-state.ts";
import { now } from "../state/now.ts";
import { client } from "../state/page-client.ts";
import { knownJobs, takeJobs } from "../state/job-state.ts";
import { nextMoment } from "../state/newest.ts";
import { sentenceOf, useAnswer, useOnce } from "../state/use-answer.ts";
import { session } from "../state/session-state.ts";
import { useOffered } from "../state/offered-keys.ts";
import { offeredKeys, TargetField, targets } from "./job-form.tsx";
import { blank, readOrder, typedOrder, type TypedOrder } from "./read-order.ts";
import { Choice, TextField } from "./text-field.tsx";
import { ToldText, Until } from "../format/when.tsx";
import { t, word } from "../language/text.ts";

/** Commands and jobs that the clock begins: the form for the next, and those there are. */
export function SchedulesPage(): JSX.Element {
  const {
    answer: all,
    problem,
    attempt,
  } = useAnswer(async () => {
    const asked = nextMoment();
    const { schedules } = await client.listSchedules();
    // The newest jobs; of one that is older the list says only that it was begun.
    if (schedules.some(({ last }) => last?.job)) takeJobs((await client.listJobs()).jobs, asked);
    return schedules;
  }, [generation.value]);
  const changed = useSignal<ScheduleDocument | undefined>(undefined);
  const form = useRef<HTMLElement>(null);
  const make = async (order: Order): Promise<void> => {
    const of = changed.peek();
    const done = await attempt(() => (of ? client.changeSchedule(of.id, order) : client.createSchedule(order)));
    // Another one may have been chosen meanwhile.
    if (done && changed.peek() === of) changed.value = undefined;
  };
  const change = (schedule: ScheduleDocument): void => {
    changed.value = schedule;
    form.current?.scrollIntoView({ block: "nearest" });
  };
  return (
    <div class="columns">
      <section ref={form} aria-labelledby="schedule-form-title">
        <h2 id="schedule-form-title">
          {changed.value ? t("Change {name}", { name: changed.value.name }) : t("Begin by the clock")}
        </h2>
        {session.value?.role === "viewer" ? (
          <p class="hint">{t("Your role, viewer, may watch but not send commands.")}</p>
        ) : (
          <ScheduleForm
            key={changed.value?.id ?? ""}
            of={changed.value}
            make={make}
            leave={() => (changed.value = undefined)}
          />
        )}
        {problem.value && (
          <p class="refusal" role="alert" data-testid="schedule-refused">
            {problem.value}
          </p>
        )}
      </section>
      <section aria-labelledby="schedule-list-title">
        <h2 id="schedule-list-title">{t("Schedules")}</h2>
        {all.value?.length === 0 && <p class="hint">{t("No schedules yet.")}</p>}
        <ul class="commands" data-testid="schedules">
          {(all.value ?? []).map((schedule) => (
            <ScheduleItem key={schedule.id} schedule={schedule} attempt={attempt} change={() => change(schedule)} />
          ))}
        </ul>
      </section>
    </div>
  );
}

interface ItemProps {
  readonly schedule: ScheduleDocument;
  readonly attempt: (act: () => Promise<unknown>) => Promise<boolean>;
  readonly change: () => void;
}

function ScheduleItem({ schedule, attempt, change }: ItemProps): JSX.Element {
  const { id, name, cron, zone, order, by, token, paused, next, last } = schedule;
  const [first] = next;
  return (
    <li class="command job" data-testid={`schedule-${id}`} data-name={name}>
      <div class="job-head">
        <span class={`state ${paused ? "wait" : "good"}`}>{paused ? t("Paused") : t("At work")}</span>
        <span class="job-name">
          <b>{name}</b>
          {t(": {key} to {target}", { key: order.key, target: targetInWords(order.target) })}
        </span>
        <span class="command-meta">
          <span>{token ? t("{by}, token {name}", { by, name: token.name }) : by}</span>
        </span>
      </div>
      <p class="job-explain">
        <code>{cron}</code> {zone}
        {first !== undefined && (
          <>
            {t("; next")} <Until ts={first} />
          </>
        )}
        {last && (
          <>
            {t("; last")}{" "}
            {last.job ? (
              <a href={`/jobs/${encodeURIComponent(last.job)}`} data-testid={`last-${name}`}>
                {becameOf(last.job) ?? word(last.state)}
              </a>
            ) : (
              word(last.state)
            )}
            {last.why !== null && (
              <>
                : <ToldText text={last.why} />
              </>
            )}
          </>
        )}
      </p>
      {session.value?.role !== "viewer" && (
        <div class="service-actions">
          <button
            type="button"
            class="button small"
            aria-label={t("Change {name}", { name })}
            data-testid={`change-${name}`}
            onClick={change}
          >
            {t("Change")}
          </button>
          <button
            type="button"
            class="button small"
            onClick={() => void attempt(() => (paused ? client.resumeSchedule(id) : client.pauseSchedule(id)))}
          >
            {paused ? t("Resume") : t("Pause")}
          </button>
          <button
            type="button"
            class="button small"
            aria-label={t("Remove {name}", { name })}
            onClick={() => void attempt(() => client.removeSchedule(id))}
          >
            {t("Remove")}
          </button>
        </div>
      )}
    </li>
  );
}

/** How far the last run has come, where that is known. */
function becameOf(id: string): string | undefined {
  const job = knownJobs.value.get(id);
  return job && `${word(job.state)} ${job.counts.succeeded}/${job.counts.total}`;
}

type Order = Parameters<typeof client.createSchedule>[0];
const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const wishes = [
  ["run", "begin it late, once"],
  ["tell", "only tell it"],
] as const;

interface FormProps {
  /** The one that is changed; a new one otherwise. */
  readonly of: ScheduleDocument | undefined;
  readonly make: (order: Order) => Promise<void>;
  readonly leave: () => void;
}

const inWords = <T extends string>(choices: readonly (readonly [T, string])[]): readonly (readonly [T, string])[] =>
  choices.map(([id, name]) => [id, word(name)] as const);

const usual = { name: "", cron: "0 3 * * *", zone: ownZone, window: "1h", missed: "run" };

/** A name that nobody has typed is left out, and follows what is typed now. */
const typedTimes = (of: ScheduleDocument): typeof usual => ({
  name: isGeneratedName(of) ? "" : of.name,
  cron: of.cron,
  zone: of.zone,
  window: writtenDuration(of.window),
  missed: of.missed,
});

function ScheduleForm({ of, make, leave }: FormProps): JSX.Element {
  const typed = useSignal<TypedOrder>(of ? typedOrder(of.order) : blank);
  const when = useSignal(of ? typedTimes(of) : usual);
  const problems = useSignal<Readonly<Partial<Record<string, string>>>>({});
  const [busy, once] = useOnce();
  useOffered();
  // One that no device offers at the moment stays what the schedule does.
  const keys = useComputed(() => [...new Set([...offeredKeys(), ...(of ? [of.order.key] : [])])].sort());
  const key = keys.value.includes(typed.value.key)
    ? typed.value.key
    : (keys.value.find((one) => one === "ping") ?? keys.value[0] ?? "");
  const field = (name: keyof TypedOrder) => ({
    name,
    value: typed.value[name],
    problem: problems.value[name],
    onTyped: (value: string) => (typed.value = { ...typed.value, [name]: value }),
  });
  const time = (name: keyof typeof when.value) => ({
    name,
    value: when.value[name],
    problem: problems.value[name],
    onTyped: (value: string) => (when.value = { ...when.value, [name]: value }),
  });
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    const read = readOrder({ ...typed.value, key });
    problems.value = read.ok ? {} : read.problems;
    if (!read.ok) return;
    const { name, missed, ...others } = when.value;
    const order = read.order;
    once(() =>
      make({
        ...others,
        name: name.trim() === "" ? t("{key} at {cron}", { key, cron: others.cron }) : name,
        missed: missed === "tell" ? "tell" : "run",
        order,
      }),
    );
  };
  if (keys.value.length === 0) return <p class="hint">{t("No device offers a command yet.")}</p>;
  return (
    <div class="command-form">
      <form onSubmit={submit} noValidate data-testid="schedule-form">
        <TextField
          {...time("name")}
          title={t("Name")}
          placeholder={t("{key} at {cron}", { key, cron: when.value.cron })}
        />
        <div class="field-pair">
          <TextField {...time("cron")} title={t("Minute, hour, day, month, weekday")} placeholder="0 3 * * 1-5" />
          <TextField {...time("zone")} title={t("Time zone")} placeholder="Europe/Berlin" />
        </div>
        <NextTimes when={when} />
        <Choice {...field("target")} title={t("To")} options={inWords(targets)} />
        <TargetField typed={typed.value} field={field} />
        <Choice
          {...field("key")}
          value={key}
          title={t("Command")}
          options={keys.value.map((one) => [one, one] as const)}
        />
        <TextField {...field("args")} title={t("Arguments")} placeholder={'{"seconds": 5}'} lines={2} />
        <Choice {...time("missed")} title={t("A run that was missed")} options={inWords(wishes)} />
        <TextField {...time("window")} title={t("So late at most")} placeholder="1h" />
        <div class="service-actions">
          <button type="submit" class="button primary" data-testid="schedule-make" disabled={busy}>
            {of ? t("Change the schedule") : t("Make the schedule")}
          </button>
          {of && (
            <button type="button" class="button" onClick={leave}>
              {t("Leave it as it is")}
            </button>
          )}
        </div>
      </form>
    </div>
  );
}

/** When a line is due next, while it is typed. */
function NextTimes({ when }: { when: Signal<{ readonly cron: string; readonly zone: string }> }): JSX.Element {
  const times = useSignal<readonly number[] | string>([]);
  const { cron, zone } = when.value;
  useEffect(() => {
    let isNewest = true;
    client.listTimes({ cron, zone }).then(
      (found) => isNewest && (times.value = found.times),
      (error: unknown) => isNewest && (times.value = sentenceOf(error)),
    );
    return () => void (isNewest = false);
  }, [cron, zone]);
  if (typeof times.value === "string") return <p class="field-note bad">{times.value}</p>;
  return (
    <p class="field-note" data-testid="next-times">
      {times.value.length === 0
        ? t("It is never due.")
        : t("Due {list}", { list: times.value.map((ts) => formatMoment(ts, now.value)).join(", ") })}
    </p>
  );
}
