import type { Json } from "#shared/messages/payload-schema";

const hidden = "…";
const names = "password|passwd|passphrase|secret|token|authorization|cookie|api[-_]?key|private[-_]?key";

/** What looks like a secret, whoever wrote it: in an address, after its name, after what HTTP says before it, and a key as PEM. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*-----|$)/g, hidden],
  // A long line was cut, perhaps before the @.
  [/:\/\/[^\s"']*@|:\/\/[^\s"'/@]*:[^\s"'/@]*…/g, `://${hidden}@`],
  [/\b(Bearer|Basic)\s+[\w+/=.~-]+/gi, `$1 ${hidden}`],
  [new RegExp(`(${names})(["']?\\s*[=:]\\s*)("[^"]*"?|'[^']*'?|[^\\s"',;&)]+)`, "gi"), `$1$2${hidden}`],
];

const isSecretName = new RegExp(`(${names})$`, "i");

/** A text in which nobody reads a secret. @param known secrets that are hidden wherever they stand */
export function withoutSecrets(text: string, known: readonly string[] = []): string {
  let left = text;
  // A short one stands in ordinary words.
  for (const secret of known) if (secret.length >= 4) left = left.replaceAll(secret, hidden);
  for (const [shape, instead] of shapes) left = left.replace(shape, instead);
  return left;
}

/** The same in every text of a document, and whatever stands under a name that says so. */
export function documentWithoutSecrets(value: Json, known: readonly string[] = []): Json {
  if (typeof value === "string") return withoutSecrets(value, known);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((one) => documentWithoutSecrets(one, known));
  const entries = Object.entries(value).map(([name, one]): [string, Json] => [
    name,
    isSecretName.test(name) && typeof one === "string" ? hidden : documentWithoutSecrets(one, known),
  ]);
  return Object.fromEntries(entries);
}
