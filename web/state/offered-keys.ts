import { signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { pages } from "#api/pages";
import { generation } from "./live-state.ts";
import { Newest } from "./newest.ts";
import { client } from "./page-client.ts";

/** What a device takes of commands: more than the fleet's list tells of each. */
export interface OfferedDevice {
  readonly id: string;
  readonly online: boolean;
  readonly build: string | null;
  /** Keys of commands. */
  readonly offers: readonly string[];
  /** Whether it takes only what was signed. */
  readonly signed: boolean;
}

export const offered = signal<readonly OfferedDevice[]>([]);

const looks = new Newest();

async function fetchOffered(): Promise<void> {
  const isNewest = looks.begin();
  const found: OfferedDevice[] = [];
  for await (const page of pages((after) => client.getFleet({ columns: "online,build,offers,signers", after })))
    for (const [id, online, build, offers, signers] of page.rows)
      found.push({
        id: String(id),
        online: online === true,
        build: typeof build === "string" ? build : null,
        offers: [offers ?? []].flat().map(String),
        signed: signers !== null,
      });
  if (isNewest()) offered.value = found;
}

/** Has {@link offered} fetched by who needs it; what was known stays where it cannot be. */
export function useOffered(): void {
  useEffect(() => void fetchOffered().catch(() => {}), [generation.value]);
}
