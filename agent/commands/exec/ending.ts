import { formatDuration } from "#shared/duration";
import type { Json } from "#shared/messages/payload-schema";

/** How a child came to its end. */
export type ProcessEnding =
  | { readonly how: "exit"; readonly status: number }
  | { readonly how: "signal"; readonly signal: string }
  | { readonly how: "timeout"; readonly timeout: number }
  | { readonly how: "aborted" }
  | { readonly how: "spawn"; readonly why: string };

export function endedWell(ending: ProcessEnding): boolean {
  return ending.how === "exit" && ending.status === 0;
}

/** For people: what stands after the child's name. */
export function endingSentence(ending: ProcessEnding): string {
  switch (ending.how) {
    case "exit":
      return `ended with exit status ${ending.status}`;
    case "signal":
      return `was killed by ${ending.signal}`;
    case "timeout":
      return `did not end within ${formatDuration(ending.timeout)} and was ended`;
    case "aborted":
      return "was ended because the agent stops";
    case "spawn":
      return `was not started: ${ending.why}`;
  }
}

/** For programs: what stands beside the code, which is the ending's `how`. */
export function dataOf(ending: ProcessEnding): Json | undefined {
  if (ending.how === "exit") return { status: ending.status };
  if (ending.how === "signal") return { signal: ending.signal };
  return ending.how === "timeout" ? { timeout: ending.timeout } : undefined;
}
