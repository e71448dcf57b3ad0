import type { DeviceSettingsDocument, DriftDocument } from "#api/configuration-routes";
import { t, word } from "../language/text.ts";

type State = DriftDocument["state"];

/** A state in a word or two, and whether somebody has to do something. */
const words: Readonly<Record<State, readonly [text: string, tone: "good" | "wait" | "bad" | "quiet"]>> = {
  none: ["nothing set", "quiet"],
  "in-step": ["in step", "good"],
  sent: ["on its way", "wait"],
  waiting: ["waits for the device", "wait"],
  refused: ["refused", "bad"],
  "rolled-back": ["went back", "bad"],
  unsigned: ["wants a signature", "wait"],
  unable: ["cannot be set", "bad"],
  foreign: ["has others", "bad"],
};

export const stateWord = (state: State): string => word(words[state][0]);
export const stateTone = (state: State): string => words[state][1];

/** Whether sending them on a person's word may change something. */
export const mayApply = (state: State): boolean => ["refused", "rolled-back", "foreign", "unsigned"].includes(state);

/** Whose word something is: `default`, `group:lab`, `device:rpi-7`. */
export function scopeWord(scope: string): string {
  if (scope === "default") return t("all devices");
  const [kind = "", name = ""] = scope.split(/:(.*)/s);
  return kind === "group" ? t("group {name}", { name }) : t("this device");
}

/** What the device says that it has. */
export function reportedText({ device, reported, desired, state }: DeviceSettingsDocument): string {
  if (!reported) return t("{device} has said nothing of settings from here.", { device });
  const { version, hash, failed } = reported;
  const has =
    hash === desired.hash
      ? t("{device} has version {version}, which is what is wanted.", { device, version })
      : t("{device} has version {version}.", { device, version });
  const tried =
    failed && state !== "in-step"
      ? t(" Version {version} was tried and did not hold: {why}.", { version: failed.version, why: failed.why })
      : "";
  return has + tried;
}

/** What of a refusal is about which key: the API says `interval is "x": expected …; tags is …`. Without a key of these, about all. */
export function faultsByKey(refusal: string, keys: readonly string[]): ReadonlyMap<string, string> {
  const starts = keys
    .flatMap((key) => {
      const at = refusal.startsWith(`${key} is `) ? 0 : refusal.indexOf(`; ${key} is `);
      return at < 0 ? [] : [{ key, at: at === 0 ? 0 : at + 2 }];
    })
    .sort((a, b) => a.at - b.at);
  return new Map(
    starts.map(({ key, at }, index) => [key, refusal.slice(at, starts[index + 1]?.at).replace(/; $/, "")] as const),
  );
}
