import { createHash } from "node:crypto";
import type { Clock } from "#shared/clock";
import { formatDuration } from "#shared/duration";
import { asError, errorCode } from "#shared/errors";
import { mailHtml, sectionsText } from "./mail-html.ts";
import { cutTo } from "../notice.ts";
import { plainBody, wordsOf } from "../notice-words.ts";
import type { TryOutcome } from "../try-outcome.ts";
import type { Outgoing, SettingReader } from "./http-kind.ts";

/** Milliseconds for a mail from the connection to the server's word that it has it. */
export const mailTime = 60_000;
/** Characters of a subject: what a list of mails shows. */
export const maxMailSubject = 200;

export interface MailWay {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly time?: number;
}

/**
 * One mail, by a connection of its own. That it comes twice, after a kill, a mail program sees by its Message-ID; and what is said of one alert
 * stands together, by References.
 */
export async function sendMail(
  { notice, key, now }: Outgoing,
  setting: SettingReader,
  { clock, signal, time = mailTime }: MailWay,
): Promise<TryOutcome> {
  const words = wordsOf(notice, now);
  const domain = domainOf(setting("from"));
  const thread = `<alert-${createHash("sha256").update(notice.alert).digest("hex").slice(0, 24)}@${domain}>`;
  const { createTransport } = await import("nodemailer");
  const transport = createTransport(transportOptions(setting, time));
  const patience = patienceOf(signal, clock, time);
  try {
    const { accepted, rejected, response } = await Promise.race([
      transport.sendMail({
        from: setting("from"),
        to: setting("to"),
        subject: cutTo(words.title, maxMailSubject),
        text: `${[plainBody(words), ...(words.sections ? [sectionsText(words.sections)] : []), ...(words.url === null ? [] : [words.url])].join("\n\n")}\n`,
        ...(words.sections ? { html: mailHtml(words) } : {}),
        messageId: `<${key}@${domain}>`,
        inReplyTo: thread,
        references: thread,
        date: new Date(now),
        // No out-of-office answers (RFC 3834).
        headers: { "Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All" },
        disableFileAccess: true,
        disableUrlAccess: true,
      }),
      patience.over,
    ]);
    if (accepted.length === 0) return { kind: "refused", said: `nobody was taken: ${response}` };
    const without = rejected.length > 0 ? `; not taken: ${rejected.map((one) => addressText(one)).join(", ")}` : "";
    return { kind: "delivered", said: `${response}${without}` };
  } catch (thrown) {
    return judgedByMail(asError(thrown));
  } finally {
    patience.end();
    transport.close();
  }
}

function addressText(address: string | { readonly address: string }): string {
  return typeof address === "string" ? address : address.address;
}

/** A transport that is closed in the middle may leave its promise open for ever. */
function patienceOf(signal: AbortSignal, clock: Clock, time: number) {
  let end = (): void => {};
  const over = new Promise<never>((_, reject) => {
    const stop = (): void => reject(new Error("Muster stops"));
    const cancel = clock.after(time, () => reject(new Error(`no answer within ${formatDuration(time)}`)));
    signal.addEventListener("abort", stop, { once: true });
    if (signal.aborted) stop();
    end = () => {
      cancel();
      signal.removeEventListener("abort", stop);
    };
  });
  return { over, end };
}

function transportOptions(setting: SettingReader, time: number) {
  const security = setting("security");
  const [user, ca] = [setting("user"), setting("ca")];
  return {
    host: setting("host"),
    port: Number(setting("port")),
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(user === "" ? {} : { auth: { user, pass: setting("password") } }),
    tls: { minVersion: "TLSv1.2", ...(ca === "" ? {} : { ca }) } as const,
    connectionTimeout: time,
    greetingTimeout: time,
    socketTimeout: time,
    dnsTimeout: time,
  };
}

/**
 * What the server's refusal means. 4yz is for now (RFC 5321 §4.2.1). 5yz is for good, but where it is about who we are (authentication, TLS): that
 * a person may mend.
 */
function judgedByMail(error: Error & { readonly responseCode?: number; readonly command?: string }): TryOutcome {
  const { message: said, responseCode } = error;
  const isOurs = errorCode(error) === "EAUTH" || errorCode(error) === "ETLS";
  const isForGood = responseCode !== undefined && responseCode >= 500 && responseCode !== 530 && !isOurs;
  return { kind: isForGood ? "refused" : "later", said };
}

/** Behind the sender's @: what the ids of mails end in. */
function domainOf(from: string): string {
  const [, domain = "muster.invalid"] = /@([A-Za-z0-9.-]+)/.exec(from) ?? [];
  return domain;
}
