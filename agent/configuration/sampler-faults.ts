import type { Configuration } from "#shared/configuration";
import type { Sampler } from "../metrics/sampler.ts";

/** Names of collectors that there are not: a mistyped one would leave a machine unmeasured. */
export function samplerFaults({ collectors }: Configuration, sampler: Pick<Sampler, "collectors">): string[] {
  const known = Object.keys(sampler.collectors);
  const named = (collectors ?? "").split(",").map((one) => one.trim().replace(/^!/, ""));
  const unknown = named.filter((name) => name !== "" && !/[*?]/.test(name) && !known.includes(name));
  return unknown.map((name) => `collectors names "${name}", which there is not here: expected ${known.join(", ")}`);
}
