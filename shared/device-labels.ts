import { counted } from "#shared/counted";
import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";

/** What people call a device and write down about it, beside its id, which stays what it is: topics, samples and commands go by that. */
export interface DeviceLabels {
  /** One line; several devices may have the same. */
  readonly name?: string;
  /** Text in several lines. */
  readonly note?: string;
  /** Words, sorted. */
  readonly tags?: readonly string[];
}

/** Some of them anew: null takes one away, what is left out stays. */
export interface LabelChange {
  readonly name?: string | null | undefined;
  readonly note?: string | null | undefined;
  readonly tags?: readonly string[] | null | undefined;
}

/** Characters of a device's name: what a heading and a row of a table show. */
export const maxDisplayName = 100;
/** Characters of a note on a device: it is in every list of devices, of which there are ten thousand. */
export const maxDeviceNote = 1_000;
/** Tags of one device: what a row still shows. */
export const maxDeviceTags = 32;

/** A tag is one word, so that it stands in a filter as it is. */
const tagPattern = /^[\p{L}\p{N}][\p{L}\p{N}._:/-]{0,62}$/u;
/** What shows another text than the one that is there, or a row of its own. Joiners stay, which some scripts cannot be written without. */
const hidden = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]/u;

/** The labels after a change. @throws BadInputError naming what cannot be */
export function relabelled(before: DeviceLabels, change: LabelChange): DeviceLabels {
  const name = change.name === undefined ? before.name : personsName(change.name ?? "");
  const note = change.note === undefined ? before.note : noteOf(change.note ?? "");
  const tags = change.tags === undefined ? before.tags : tagsOf(change.tags ?? []);
  return { ...(name ? { name } : {}), ...(note ? { note } : {}), ...(tags && tags.length > 0 ? { tags } : {}) };
}

/** Text of a person's that is a name: one line, without what shows as something else. @throws BadInputError */
export function personsName(text: string): string {
  const name = text.normalize().trim();
  if (name.length > maxDisplayName)
    throw new BadInputError(`the name has ${name.length} characters: expected ${maxDisplayName} at most`);
  if (hidden.test(name)) throw new BadInputError(`the name ${quoted(name)} has characters that no line shows`);
  return name;
}

function noteOf(text: string): string {
  const note = text.normalize().replaceAll(/\r\n?/g, "\n").trim();
  if (note.length > maxDeviceNote)
    throw new BadInputError(`the note has ${note.length} characters: expected ${maxDeviceNote} at most`);
  if (hidden.test(note.replaceAll(/[\n\t]/g, " ")))
    throw new BadInputError("the note has characters that no line shows: expected text, ends of lines and tabs");
  return note;
}

function tagsOf(words: readonly string[]): readonly string[] {
  const tags = [...new Set(words.map((word) => word.normalize().trim()))].sort();
  const wrong = tags.find((tag) => !tagPattern.test(tag));
  if (wrong !== undefined)
    throw new BadInputError(
      `the tag ${quoted(wrong)} is not valid: expected 1 to 63 letters, digits, ".", "_", ":", "/" and "-", beginning with a letter or digit`,
    );
  if (tags.length > maxDeviceTags)
    throw new BadInputError(`these are ${counted(tags.length, "tag")}: expected ${maxDeviceTags} at most`);
  return tags;
}
