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
import type { sendPush } from "./push/send-push.ts";
import { judgedByStatus, maxSaid, type TryOutcome } from "./try-outcome.ts";

export interface SendByChannelOptions {
  readonly clock: Clock;
  /** Has an alert stand at the broker, or stand there no more. */
  readonly show: (notice: Notice) => Promise<TryOutcome>;
  /** Brings it to somebody's browser; without it there are none. */
  readonly push?: ReturnType<typeof sendPush>;
  /** Milliseconds for a try; each kind's own unless given. */
  readonly time?: number;
}

/** Tries once to bring a notice to its channel. Nothing is thrown, and no secret stands in what is said. */
export function sendByChannel({ clock, show, push, time }: SendByChannelOptions) {
  return async (channel: Channel, outgoing: Outgoing, signal: AbortSignal): Promise<TryOutcome> => {
    try {
      const outcome = await tried(channel, outgoing, signal);
      return { ...outcome, said: forTerminal(withoutValues(outcome.said, channel), maxSaid) };
    } catch (thrown) {
      return { kind: "later", said: forTerminal(withoutValues(asError(thrown).message, channel), maxSaid) };
    }
  };

  async function tried(channel: Channel, outgoing: Outgoing, signal: AbortSignal): Promise<TryOutcome> {
    const { kind, settings } = channel;
    const way = { clock, signal, ...(time === undefined ? {} : { time }) };
    if (kind === "push" && push) return push(channel, outgoing, way);
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
/** And of a part of it, such as a segment of a path. */
const shortestPart = 8;

/** What somebody else says may quote what we have sent: whole, in part as a web server quotes a path, and written as HTML, JSON or an address has it. */
function withoutValues(text: string, { kind, settings }: Channel): string {
  const fields = channelKindOf(kind)?.fields;
  const secrets = Object.entries(settings).flatMap(([name, value]) =>
    fields?.[name]?.secret ? soughtOf(value, fields[name].type === "url") : [],
  );
  if (secrets.length === 0) return text;
  const longestFirst = [...new Set(secrets)].sort((one, other) => other.length - one.length);
  return text.replaceAll(new RegExp(longestFirst.map(inAnyForm).join("|"), "gu"), "•••");
}

function soughtOf(value: string, isAddress: boolean): string[] {
  // An address's host is told anyway, and its fragment is not sent.
  const sent = isAddress && URL.canParse(value) ? pathAndQuery(new URL(value)) : value;
  const wholes = [value, sent, unescaped(value), unescaped(sent)].filter((one) => one.length >= shortestSought);
  const parts = [
    ...sent.split(/[\s/?&=]+/),
    ...unescaped(sent).split(/[\s/?&=]+/),
    ...sent.split(/[/?&=]+/).map(unescaped),
  ];
  return [...wholes, ...parts.filter((one) => one.length >= shortestPart)];
}

const pathAndQuery = ({ pathname, search }: URL): string => pathname + search;

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const namedEntities: Readonly<Record<string, string>> = { "&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos" };

/** A pattern for a text, whose signs may each be escaped once or several times. */
function inAnyForm(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9]/gu, (sign) => signInAnyForm(sign));
}

function signInAnyForm(sign: string): string {
  const code = sign.codePointAt(0) ?? 0;
  const anyCase = (hex: string): string => hex.replaceAll(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`);
  const hex = anyCase(code.toString(16));
  const percent = [...Buffer.from(sign)]
    .map((byte) => `%(?:25)*${anyCase(byte.toString(16).padStart(2, "0"))}`)
    .join("");
  const units = Array.from({ length: sign.length }, (_, at) => sign.charCodeAt(at).toString(16).padStart(4, "0"));
  const json = units.map((unit) => String.raw`\\{1,4}u${anyCase(unit)}`).join("");
  const named = namedEntities[sign] === undefined ? "" : `|${namedEntities[sign]};?`;
  // A bound, and none before a backslash itself: a text of backslashes alone must not be gone through again and again.
  const slashes = sign === "\\" ? "" : String.raw`\\{0,4}`;
  return String.raw`(?:${slashes}\u{${code.toString(16)}}|${percent}|${json}|&(?:amp;)*(?:#0*${code};?|#[xX]0*${hex};?${named}))`;
}
