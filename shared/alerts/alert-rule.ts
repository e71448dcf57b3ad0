import * as z from "zod/mini";
import { groupPattern } from "#shared/principal";
import { maxFilterLength } from "#shared/filter/filter-tokens";

/** Rules kept: each is looked at with every sample of its measurement. */
export const maxAlertRules = 200;
/** What a rule may be called: a name of Prometheus', and a bit more. */
export const ruleName = /^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/;
/** Of one rule: groups with another threshold, channels, labels, tags. */
export const maxOverrides = 50;
export const maxRuleChannels = 20;
export const maxRuleLabels = 20;
/** Characters of what a rule says for people. */
export const maxSummary = 300;

const condition = z.string().check(z.minLength(1), z.maxLength(maxFilterLength));
const word = z.string().check(z.minLength(1), z.maxLength(200));
/** Beyond which a firing alert goes on: a threshold, or what has to hold for it to end. */
const clear = z.union([z.number(), condition]);
const fewWords = z
  .record(z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,62}$/)), z.string().check(z.maxLength(200)))
  .check(z.refine((all) => Object.keys(all).length <= maxRuleLabels, `expected ${maxRuleLabels} at most`));

export const severities = ["info", "warning", "critical"] as const;

/** Characters of a command's arguments, as JSON. */
export const maxRunArgs = 2_000;
const run = z.strictObject({
  key: z.string().check(z.minLength(1), z.maxLength(100)),
  args: z.optional(
    z
      .record(z.string(), z.unknown())
      .check(
        z.refine((args) => JSON.stringify(args).length <= maxRunArgs, `expected ${maxRunArgs} characters at most`),
      ),
  ),
  /** How long the command may take; a minute without it. */
  timeout: z.optional(z.string().check(z.minLength(1), z.maxLength(40))),
});
export type AlertRun = z.output<typeof run>;

/** A rule, as people write it. */
export const alertRule = z.strictObject({
  name: z.string().check(z.regex(ruleName)),
  /** `mem.used_percent > 90 for 10m`, `silent > 15m`. */
  when: condition,
  clear: z.optional(clear),
  /** Which devices, in the filter language; all without it. */
  where: z.optional(condition),
  /** Which series, by their tags, with `*`. */
  series: z.optional(fewWords),
  /** Of the first group that a device is in, in place of `when`. */
  overrides: z.optional(
    z
      .array(
        z.strictObject({ group: z.string().check(z.regex(groupPattern)), when: condition, clear: z.optional(clear) }),
      )
      .check(z.maxLength(maxOverrides)),
  ),
  severity: z._default(z.enum(severities), "warning"),
  summary: z.optional(z.string().check(z.maxLength(maxSummary))),
  /** After how long it is told again while it fires and nobody has seen to it: `4h`. Told once without it. */
  remind: z.optional(z.string().check(z.minLength(1), z.maxLength(40))),
  /** What is sent to the alert's device when it fires. */
  run: z.optional(run),
  channels: z.optional(z.array(word).check(z.maxLength(maxRuleChannels))),
  labels: z.optional(fewWords),
  enabled: z._default(z.boolean(), true),
  /** People are told of each time, also of what fires again and again. */
  each: z.optional(z.boolean()),
});
export type AlertRule = z.output<typeof alertRule>;
