import { parseBrokerUrl } from "#shared/address";
import { BadInputError } from "#shared/errors";
import { forTerminal } from "#shared/printable";
import type { BrokerFinding } from "./check-broker/run-checks.ts";
import type { BenchLogin } from "./check-broker/bench.ts";

const marks = { good: "✓", mind: "!", bad: "✗" } as const;
/** Characters of what a broker made of a check: its reasons are text of a stranger. */
const maxFindingLength = 600;

/** One line of the report. */
export function findingLine({ mark, what, says }: BrokerFinding): string {
  return `${marks[mark]} ${what.padEnd(22)}${forTerminal(says, maxFindingLength)}`;
}

/** What it comes to. */
export function brokersVerdict(found: readonly BrokerFinding[]): string {
  const bad = found.filter(({ mark }) => mark === "bad").length;
  if (bad > 0) return `Muster does not work with this broker as it is, or not safely: see the lines with ${marks.bad}`;
  if (found.some(({ givenUp }) => givenUp))
    return `the look was not finished, and says nothing yet about Muster with this broker: see the line with ${marks.mind}`;
  const mind = found.some(({ mark }) => mark === "mind");
  return mind
    ? `Muster works with this broker; the lines with ${marks.mind} are to be known`
    : "Muster works with this broker";
}

/** `mqtt://host:1883`, with the login in it or not. @throws BadInputError */
export function brokerToCheck(text: string): BenchLogin & { readonly url: string } {
  try {
    const { url, username, password } = parseBrokerUrl(text);
    return { url, username, password };
  } catch (thrown) {
    throw new BadInputError(`cannot check this broker: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

/** `NAME:SECRET`. @throws BadInputError */
export function secondAccount(text: string): BenchLogin {
  const at = text.indexOf(":");
  if (at < 1) throw new BadInputError("--second-account is not NAME:SECRET");
  return { username: text.slice(0, at), password: text.slice(at + 1) };
}
