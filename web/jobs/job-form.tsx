import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { useLocation } from "preact-iso/router";
import type { JobOrder } from "#api/job-routes";
import { browserKey } from "../signing/browser-key.ts";
import { signJobOrder } from "../signing/sign-order.ts";
import { devicesToSign, JobSigningNote } from "./job-signing.tsx";
import { later } from "../shell/later.tsx";
import { client } from "../state/page-client.ts";
import type { Plan } from "./job-plan.tsx";
import { useNewest } from "../state/newest.ts";
import { sentenceOf, useOnce } from "../state/use-answer.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { consequenceOf } from "../commands/states.ts";
import { draft } from "../state/job-draft.ts";
import { offered, useOffered } from "../state/offered-keys.ts";
import { FavouritesBar } from "../commands/favourites-bar.tsx";
import { Choice, TextField, type FieldProps } from "./text-field.tsx";
import { blank, readOrder, typedCommand, type TypedOrder } from "./read-order.ts";
import { t, word } from "../language/text.ts";

/** Whom an order may be for. */
export const targets: readonly (readonly [TypedOrder["target"], string])[] = [
  ["all", "All devices"],
  ["group", "A group"],
  ["where", "Devices that fit"],
  ["devices", "These devices"],
];

const JobPlan = later("The plan", async () => (await import("./job-plan.tsx")).JobPlan);

/** An order that waits for a person's yes. */
interface Asked {
  readonly order: JobOrder;
  /** The devices that it is to be signed for. */
  readonly devices: readonly string[] | undefined;
}

/** Makes a job, and goes to it. */
export function JobForm(): JSX.Element {
  const { route } = useLocation();
  useOffered();
  useEffect(() => () => void (draft.value = undefined), []);
  const typed = useSignal<TypedOrder>({ ...blank, ...draft.peek() });
  const problems = useSignal<Readonly<Partial<Record<keyof TypedOrder, string>>>>({});
  const refused = useSignal<string | undefined>(undefined);
  const asking = useSignal<Asked | undefined>(undefined);
  const plan = useSignal<Plan | undefined>(undefined);
  const newest = useNewest();
  const here = useNewest();
  const [busy, once] = useOnce();
  /** A plan is of what stood there when it was asked for. */
  const type = (changes: Partial<TypedOrder>): void => {
    typed.value = { ...typed.value, ...changes };
    plan.value = undefined;
    newest.forget();
  };
  const keys = useComputed(() => offeredKeys());
  const key = keys.value.includes(typed.value.key)
    ? typed.value.key
    : (keys.value.find((one) => one === "ping") ?? keys.value[0] ?? "");
  const field = (name: keyof TypedOrder) => ({
    name,
    value: typed.value[name],
    problem: problems.value[name],
    onTyped: (value: string) => type({ [name]: value }),
  });
  /** Which devices it would go to, before it does. */
  const lookAhead = async (): Promise<void> => {
    refused.value = undefined;
    const read = readOrder({ ...typed.value, key });
    problems.value = read.ok ? {} : read.problems;
    if (!read.ok) return;
    const isNewest = newest.begin();
    try {
      const planned = await client.planJob(read.order);
      if (isNewest()) plan.value = planned;
    } catch (error) {
      if (isNewest()) refused.value = sentenceOf(error);
    }
  };

  const send = async ({ order, devices }: Asked): Promise<void> => {
    try {
      const by = browserKey.value;
      if (devices && by) order = await signJobOrder(by, devices, order);
      const isHere = here.begin();
      const { id } = await client.createJob(order);
      // Who has gone elsewhere meanwhile stays there.
      if (isHere()) route(`/jobs/${encodeURIComponent(id)}`);
    } catch (error) {
      refused.value = sentenceOf(error);
    }
  };
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    refused.value = undefined;
    const read = readOrder({ ...typed.value, key });
    problems.value = read.ok ? {} : read.problems;
    if (!read.ok) return;
    const order = read.order;
    once(() => ask(order));
  };
  /** What cannot be undone is asked for, and so is a list that is signed: the console has said what is in it. */
  const ask = async (order: JobOrder): Promise<void> => {
    try {
      const devices = await devicesToSign(order);
      if (devices || consequenceOf(order.key)) asking.value = { order, devices };
      else await send({ order, devices });
    } catch (error) {
      refused.value = sentenceOf(error);
    }
  };
  const answer = (yes: boolean): void => {
    const asked = asking.value;
    asking.value = undefined;
    if (yes && asked) once(() => send(asked));
  };

  if (keys.value.length === 0) return <p class="hint">{t("No device offers a command yet.")}</p>;
  return (
    <div class="command-form">
      <form onSubmit={submit} noValidate data-testid="job-form">
        <Choice {...field("target")} title={t("To")} options={targets.map(([id, name]) => [id, word(name)] as const)} />
        <TargetField typed={typed.value} field={field} />
        <FavouritesBar keys={keys.value} onPick={(kept) => type(typedCommand(kept))} />
        <Choice
          {...field("key")}
          value={key}
          title={t("Command")}
          options={keys.value.map((one) => [one, one] as const)}
        />
        <TextField {...field("args")} title={t("Arguments")} placeholder={'{"seconds": 5}'} lines={2} />
        <div class="field-pair">
          <TextField {...field("rate")} title={t("Commands a second")} placeholder="10" />
          <TextField {...field("canary")} title={t("Canaries first")} placeholder="0" />
          <TextField {...field("failed")} title={t("Stop above % failed")} placeholder={t("never")} />
          <TextField {...field("min")} title={t("Count from ended")} placeholder="1" />
          <TextField {...field("ttl")} title={t("Wait for each device")} placeholder="1h" />
          <TextField {...field("timeout")} title={t("A device may take")} placeholder={t("any time")} />
        </div>
        <TextField
          {...field("gate")}
          title={t("Go on only while this holds")}
          placeholder="mem.used_percent < 80 for 5m"
        />
        <JobSigningNote />
        {refused.value && (
          <p class="refusal" role="alert" data-testid="job-refused">
            {refused.value}
          </p>
        )}
        {plan.value && <JobPlan plan={plan.value} />}
        <div class="service-actions">
          <button type="button" class="button" data-testid="job-plan" onClick={() => void lookAhead()}>
            {t("Show the plan")}
          </button>
          <button type="submit" class="button primary" data-testid="job-send" disabled={busy}>
            {t("Send {key}", { key })}
          </button>
        </div>
      </form>
      {asking.value && (
        <Confirm
          question={questionOf(asking.value)}
          consequence={[word(consequenceOf(asking.value.order.key) ?? ""), asking.value.devices?.join(", ")]
            .filter(Boolean)
            .join(" ")}
          action={
            asking.value.devices
              ? t("Sign and send {key}", { key: asking.value.order.key })
              : t("Send {key}", { key: asking.value.order.key })
          }
          onAnswer={answer}
        />
      )}
    </div>
  );
}

function questionOf({ order: { key }, devices }: Asked): string {
  return devices
    ? t("Sign {key} for {count} device?|Sign {key} for {count} devices?", { key, count: devices.length })
    : t("{key} on many devices?", { key });
}

interface TargetProps {
  readonly typed: TypedOrder;
  readonly field: (name: keyof TypedOrder) => FieldProps;
}

/** What has to be said of whom it is for. */
export function TargetField({ typed, field }: TargetProps): JSX.Element | null {
  switch (typed.target) {
    case "all":
      return null;
    case "group":
      return <GroupField {...field("group")} />;
    case "where":
      return <TextField {...field("where")} title={t("Conditions")} placeholder="group=lab version<0.3" />;
    case "devices":
      return <TextField {...field("devices")} title={t("Devices")} placeholder="rpi-7, rpi-8" />;
  }
}

function GroupField(props: FieldProps): JSX.Element {
  const groups = useSignal<Readonly<Record<string, readonly string[]>>>({});
  useEffect(() => {
    client.listGroups().then(
      (found) => (groups.value = found.groups),
      // The list is a convenience: without it the console still refuses a group that it does not know.
      () => {},
    );
  }, []);
  const options = Object.entries(groups.value).map(([name, devices]) => [name, `${name} (${devices.length})`] as const);
  return (
    <Choice
      {...props}
      title={t("Group")}
      options={[["", options.length > 0 ? t("Choose…") : t("There are none yet")], ...options]}
    />
  );
}

/** Every key that a device of the fleet offers. */
export function offeredKeys(): readonly string[] {
  return [...new Set(offered.value.flatMap(({ offers }) => offers))].sort();
}
