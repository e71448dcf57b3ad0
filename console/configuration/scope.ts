import { asDeviceId } from "#shared/ids";
import { groupPattern } from "#shared/principal";

/** For whom settings are: for one device, for those in a group, or for all. */
export type Scope =
  | { readonly kind: "device"; readonly name: string }
  | { readonly kind: "group"; readonly name: string }
  | { readonly kind: "default"; readonly name: "" };

export const everyone: Scope = { kind: "default", name: "" };

/** `default`, `group:lab` or `device:rpi-7`. */
export function scopeText({ kind, name }: Scope): string {
  return kind === "default" ? kind : `${kind}:${name}`;
}

/** @returns undefined for what is none */
export function parseScope(text: string): Scope | undefined {
  if (text === "default") return everyone;
  const [, kind, name = ""] = /^(device|group):(.+)$/.exec(text) ?? [];
  if (kind === "device" && asDeviceId(name) !== undefined) return { kind, name };
  if (kind === "group" && groupPattern.test(name)) return { kind, name };
  return undefined;
}
