import type { Client, DeviceDocument } from "#api/client";
import type { LabelChange } from "#shared/device-labels";
import { BadInputError } from "#shared/errors";
import { forTerminal, forTerminalBlock } from "#shared/printable";

/** What `muster device` does to what people call a device: rename, note, tag. */
export const labelActions = ["rename", "note", "tag"] as const;
export type LabelAction = (typeof labelActions)[number];

export interface LabelWords {
  readonly device: string;
  /** What stands behind the device: one text, or tags. */
  readonly words: readonly string[];
  /** Takes it away. */
  readonly none?: boolean | undefined;
}

/** Changes one label of a device, or shows it where nothing is given. @returns what to print */
export async function labelDevice(client: Client, action: LabelAction, given: LabelWords): Promise<string> {
  const { device, words, none } = given;
  if (none && words.length > 0) throw new BadInputError("--none takes it away: expected nothing else beside it");
  if (!none && words.length === 0) return shown(action, await client.getDevice(device));
  const now = await client.setLabels(device, changeOf(action, words));
  return shown(action, { ...now, id: device });
}

function changeOf(action: LabelAction, words: readonly string[]): LabelChange & { tags?: string[] | null } {
  if (action === "tag") return { tags: words.length === 0 ? null : [...words] };
  const text = words.length === 0 ? null : words.join(" ");
  return action === "rename" ? { name: text } : { note: text };
}

function shown(action: LabelAction, labels: Pick<DeviceDocument, "id" | "name" | "note" | "tags">): string {
  const { id, name, note, tags = [] } = labels;
  if (action === "tag") return tags.length > 0 ? tags.map((tag) => forTerminal(tag)).join("\n") : `${id} has no tag`;
  if (action === "note") return note === undefined ? `${id} has no note` : forTerminalBlock(note);
  return name === undefined ? `${id} has no name but its own` : `${id} is called ${forTerminal(name)}`;
}
