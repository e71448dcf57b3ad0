import { BadInputError } from "#shared/errors";
import { parseConsoleUrl } from "#shared/address";

/**
 * All that a machine needs to join: where the console is, by which certificate authority it is known, and the secret that lets one in. It is
 * one word of letters, digits, `.`, `_` and `-`, which no shell changes.
 */
export interface JoinCode {
  /** Names the enrolment, and is no secret. */
  readonly id: string;
  readonly secret: string;
  /** `https://console:3000`. */
  readonly origin: string;
  /** SHA-256 of the certificate authority in DER, as 64 hexadecimal digits; undefined where the console has none of its own. */
  readonly ca: string | undefined;
}

const prefix = "muster1";
const written = /^muster1\.([a-z0-9]{10})\.([\w-]{27})\.([\w-]{43})?\.([\w-]{10,400})$/;

export function formatJoinCode({ id, secret, origin, ca }: JoinCode): string {
  const pin = ca === undefined ? "" : Buffer.from(ca, "hex").toString("base64url");
  return [prefix, id, secret, pin, Buffer.from(origin).toString("base64url")].join(".");
}

/** @throws BadInputError which does not repeat the code */
export function parseJoinCode(text: string): JoinCode {
  const [, id, secret, pin, place] = written.exec(text.trim()) ?? [];
  if (id === undefined || secret === undefined || place === undefined)
    throw new BadInputError(
      `this is no code to join with: expected "${prefix}." and four parts, as muster enroll and the page's Add a device show it; copy it once more, as a whole`,
    );
  const origin = originIn(place);
  if (origin === undefined) throw new BadInputError("the code names no console: copy it once more, as a whole");
  const ca = pin === undefined ? undefined : Buffer.from(pin, "base64url").toString("hex");
  return { id, secret, origin, ca };
}

function originIn(place: string): string | undefined {
  try {
    return parseConsoleUrl(Buffer.from(place, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}
