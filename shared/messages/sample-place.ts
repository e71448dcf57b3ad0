import { BadInputError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { maxTagValueLength } from "#shared/messages/batch-check";
import { isMeasurement, isName, maxNameLength } from "#shared/messages/names";

/** What a topic below `metrics` says about its samples: the measurement, and the tag that the further levels make. */
export interface SamplePlace {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
}

/** Levels behind the measurement at most: what has more is a path of a file and no place of a sensor. */
export const maxLevels = 8;
/** The tag that further levels become, as Telegraf calls the topic of a message. */
const topicTag = "topic";

/**
 * `room` is a measurement; `tele/plug/SENSOR` is the measurement `tele` with the tag `topic` = `plug/SENSOR`.
 * @param path what follows `metrics/` in the topic
 * @throws BadInputError that says the rule
 */
export function readPlace(path: string): SamplePlace {
  const end = path.indexOf("/");
  const measurement = end < 0 ? path : path.slice(0, end);
  if (!isMeasurement(measurement))
    throw new BadInputError(
      `${shown(measurement)} is no measurement's name: expected metrics/<measurement>, with 1 to ${maxNameLength} characters, no control character, no # at the beginning and no backslash at the end`,
    );
  if (end < 0) return { measurement, tags: none };
  const levels = path.slice(end + 1);
  const list = levels.split("/", maxLevels + 1);
  if (levels.length > maxTagValueLength || list.length > maxLevels || !list.every(isName))
    throw new BadInputError(
      `${shown(levels)} cannot be the tag "${topicTag}": expected at most ${maxLevels} levels behind the measurement ${quoted(measurement)}, none of them empty, together at most ${maxTagValueLength} characters without control characters and without a backslash at the end of a level`,
    );
  return { measurement, tags: { [topicTag]: levels } };
}

const none: SamplePlace["tags"] = {};

function shown(text: string): string {
  return quoted(text.slice(0, 60));
}
