import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import type { JobOrder } from "#api/job-routes";
import { browserKey, findKey, signingProblem } from "../signing/browser-key.ts";
import { offered } from "../state/offered-keys.ts";
import { client } from "../state/page-client.ts";
import { t } from "../language/text.ts";

/** The devices that take no command without a person's word for it. */
function signing(): ReadonlySet<string> {
  return new Set(offered.value.filter(({ signed }) => signed).map(({ id }) => id));
}

/**
 * The devices that a job is to be signed for: all that it goes to, where one of them takes nothing else.
 * @returns undefined where none does @throws Error where this browser cannot sign
 */
export async function devicesToSign({ target }: Pick<JobOrder, "target">): Promise<readonly string[] | undefined> {
  const asking = signing();
  if (asking.size === 0) return undefined;
  const devices =
    "devices" in target
      ? target.devices
      : (await client.selectTargets("all" in target ? {} : target)).devices.map(({ device }) => device);
  if (!devices.some((device) => asking.has(device))) return undefined;
  if (browserKey.value) return devices;
  throw new Error(
    t("Some of these devices take only commands that a pinned key has signed. {value}", {
      value: signingProblem.value ?? t("This browser has none: the page of such a device makes one."),
    }),
  );
}

/** Says that jobs are signed here, where a device asks for it. */
export function JobSigningNote(): JSX.Element | null {
  useEffect(() => void findKey(), []);
  if (signing().size === 0 || !browserKey.value) return null;
  return (
    <p class="hint" data-testid="job-signing">
      {t(
        "Where a device takes only signed commands, the list of all of them is signed once, with this browser's key {id}.",
        { id: browserKey.value.id },
      )}
    </p>
  );
}
