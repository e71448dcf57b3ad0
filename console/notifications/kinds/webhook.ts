import { createHmac } from "node:crypto";
import { BadInputError } from "#shared/errors";
import { filled, type TemplatePlace, type TemplateValues } from "../template.ts";
import { wordsOf } from "../notice-words.ts";
import type { HttpKind, Outgoing } from "./http-kind.ts";

/**
 * Anybody's own receiver. Signed as Standard Webhooks has it (webhook-id, webhook-timestamp, webhook-signature: HMAC-SHA256 over id, time and body),
 * so that whoever receives knows who speaks, and takes nothing twice or late.
 */
export const webhook: HttpKind = {
  request: (outgoing, setting) => {
    const type = setting("type") as TemplatePlace;
    const template = setting("body");
    const values = templateValues(outgoing);
    const body = template === "" ? JSON.stringify(values) : filled(template, type, values);
    const authorization = setting("authorization");
    return {
      method: setting("method") === "PUT" ? "PUT" : "POST",
      url: setting("url"),
      headers: {
        "content-type": `${template === "" ? "application/json" : type}; charset=utf-8`,
        ...signatureOf(outgoing, body, setting("secret")),
        ...(authorization === "" ? {} : { authorization }),
      },
      body,
      ca: setting("ca"),
    };
  },
};

/** What a template can name, and what is sent without one. */
export function templateValues({ notice, key, now }: Outgoing): TemplateValues {
  const { at, since, sections: _, ...rest } = notice;
  const { title: headline } = wordsOf(notice, now);
  return { id: key, ...rest, headline, at: new Date(at).toISOString(), since: new Date(since).toISOString() };
}

function signatureOf({ key, now }: Outgoing, body: string, secret: string): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const named = { "webhook-id": key, "webhook-timestamp": timestamp };
  if (secret === "") return named;
  const signed = createHmac("sha256", keyOf(secret)).update(`${key}.${timestamp}.${body}`).digest("base64");
  return { ...named, "webhook-signature": `v1,${signed}` };
}

/** Bytes of a key that signs: nobody guesses as many, and of fewer the signature proves nothing. */
export const minSigningKey = 16;

/** @throws BadInputError for a key that is too short; none at all signs nothing, and says so */
export function checkSigningSecret(secret: string): void {
  if (secret === "" || keyOf(secret).length >= minSigningKey) return;
  throw new BadInputError(
    `secret is not usable: expected ${minSigningKey} bytes at least, as text, or as base64 behind whsec_`,
  );
}

/** `whsec_` is followed by base64; anything else is the key itself. */
function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_") ? Buffer.from(secret.slice("whsec_".length), "base64") : Buffer.from(secret);
}
