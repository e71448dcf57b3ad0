import { counted } from "#shared/counted";
import { forTerminal } from "#shared/printable";
import { confirm } from "#shared/confirm";
import type { Terminal } from "./live-command.ts";
import type { Agree } from "./sign-command.ts";

/**
 * What conditions come to is the console's word, and whoever signs is to see it: each device is shown, and a person says yes. A group's
 * members, or all devices, are what somebody has named.
 * @param yes whether it was said beforehand
 */
export function agreeing(terminal: Pick<Terminal, "err">, yes: boolean | undefined): Agree {
  return async (devices, target) => {
    if (!("where" in target)) return;
    const names = devices.map((device) => forTerminal(device)).join(", ");
    terminal.err(`${counted(devices.length, "device fits", "devices fit")} ${forTerminal(target.where)}: ${names}\n`);
    await confirm("Sign it for these, and for no others?", yes);
  };
}
