import * as z from "zod/mini";
import { asError, BadInputError } from "#shared/errors";
import { strictDescriptions, type Descriptions } from "#shared/messages/descriptions";
import { check } from "#shared/messages/payload-schema";
import { parseJson } from "#shared/nesting";
import { askDescription, maxDescriptionText, type DescribeCall } from "../commands/exec/ask-description.ts";
import { endedWell, endingSentence } from "../commands/exec/ending.ts";
import { readLine } from "./protocol-line.ts";

/** What a program prints of itself. */
const described = z.strictObject({ measurements: strictDescriptions });

/**
 * Asks a program with `--describe` what it measures. One that knows no such word prints its samples as ever, or nothing, or ends with a status:
 * then nothing is known of it, and nothing is wrong.
 * @throws Error whose message ends the sentence "asked to describe itself, it "
 */
export async function describeProgram(asking: DescribeCall): Promise<Descriptions | undefined> {
  const now = asking.clock.now();
  let first: string | undefined;
  // One that samples without an end need not be waited for.
  const isMeasuring = (printed: string): boolean => {
    const end = first === undefined ? printed.indexOf("\n") : -1;
    if (end < 0) return false;
    first = printed.slice(0, end);
    return isSample(first, now);
  };
  const { ending, text, isTooMuch, reason } = await askDescription(asking, isMeasuring);
  if (text.split("\n").some((line) => isSample(line, now))) return undefined;
  if (isTooMuch) throw new Error(`printed more than ${maxDescriptionText} characters`);
  if (ending.how === "aborted" || (ending.how === "exit" && ending.status !== 0)) return undefined;
  if (!endedWell(ending)) throw new Error(`${endingSentence(ending)}${reason}`);
  return text.trim() === "" ? undefined : read(text);
}

function isSample(line: string, now: number): boolean {
  try {
    return readLine(line, now) !== undefined;
  } catch {
    return false;
  }
}

function read(text: string): Descriptions {
  try {
    return check(described, parseJson(text), "its description").measurements;
  } catch (thrown) {
    const why =
      thrown instanceof BadInputError ? thrown.message : `its description is no JSON: ${asError(thrown).message}`;
    throw new Error(`printed what is not taken: ${why}`);
  }
}
