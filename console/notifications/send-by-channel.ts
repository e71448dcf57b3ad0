import { channelKindOf } from "#shared/channels/channel-kinds";
import { settingReader } from "#shared/channels/channel-settings";
import type { Clock } from "#shared/clock";
import { asError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import type { Channel } from "./channel.ts";
import { sendMail } from "./kinds/email.ts";
import type { HttpKind, HttpRequest, Outgoing, SettingReader } from "./kinds/http-kind.ts";
import { httpKinds } from "./kinds/http-kinds.ts";
import type { Notice } from "./notice.ts";
import { askOnce } from "./outgoing-http.ts";
import { judgedByStatus, maxSaid, type TryOutcome } from "./try-outcome.ts";

export interface SendByChannelOptions {
  readonly clock: Clock;
  /** Has an alert stand at the broker, or stand there no more. */
  readonly show: (notice: Notice) => Promise<TryOutcome>;
  /** Milliseconds for a try; each kind's own unless given. */
  readonly time?: number;
}

/** Tries once to bring a notice to its channel. Nothing is thrown, and no secret stands in what is said. */
export function sendByChannel({ clock, show, time }: SendByChannelOptions) {
  return async (channel: Channel, outgoing: Outgoing, signal: AbortSignal): Promise<TryOutcome> => {
    try {
      const outcome = await tried(channel, outgoing, signal);
      return { ...outcome, said: forTerminal(withoutValues(outcome.said, channel), maxSaid) };
    } catch (thrown) {
      return { kind: "later", said: forTerminal(withoutValues(asError(thrown).message, channel), maxSaid) };
    }
  };

  async function tried({ kind, settings }: Channel, outgoing: Outgoing, signal: AbortSignal): Promise<TryOutcome> {
    const way = { clock, signal, ...(time === undefined ? {} : { time }) };
    if (kind === "mqtt") return show(outgoing.notice);
    if (!channelKindOf(kind))
      return { kind: "later", said: `this version of Muster knows no channel of the kind ${kind}` };
    const setting = settingReader(kind, settings);
    if (kind === "email") return sendMail(outgoing, setting, way);
    return askedOverHttp(httpKinds[kind as keyof typeof httpKinds], outgoing, setting, way);
  }

  async function askedOverHttp(
    { request, judge }: HttpKind,
    outgoing: Outgoing,
    setting: SettingReader,
    way: Parameters<typeof askOnce>[1],
  ): Promise<TryOutcome> {
    const asked = requestOf(request, outgoing, setting);
    if ("kind" in asked) return asked;
    const answer = await askOnce(asked, way);
    const now = clock.now();
    return judge?.(answer, now) ?? judgedByStatus(answer, now);
  }
}

/** What cannot be written, by a template that a newer version has checked, is no reason to try for ever. */
function requestOf(request: HttpKind["request"], outgoing: Outgoing, setting: SettingReader): HttpRequest | TryOutcome {
  try {
    return request(outgoing, setting);
  } catch (thrown) {
    return { kind: "refused", said: `the message could not be written: ${asError(thrown).message}` };
  }
}

/** Characters of a secret from which on it is looked for: a shorter one stands in any text. */
const shortestSought = 4;

/** What somebody else says may quote what we have sent. */
function withoutValues(text: string, { kind, settings }: Channel): string {
  const fields = channelKindOf(kind)?.fields;
  const secrets = Object.entries(settings)
    .filter(([name, value]) => fields?.[name]?.secret && value.length >= shortestSought)
    .flatMap(([, value]) => [value, encodeURIComponent(value)])
    .sort((one, other) => other.length - one.length);
  return secrets.reduce((shown, secret) => shown.replaceAll(secret, "•••"), text);
}
