import { useComputed, useSignalEffect, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { isUnfinished, stateLooks } from "../commands/states.ts";
import { knownCommands } from "../state/command-state.ts";
import { inReadersZone } from "../format/told-moments.ts";
import { now } from "../state/now.ts";
import { session } from "../state/session-state.ts";
import { t, word } from "../language/text.ts";

/** Tells screen readers what becomes of the commands that this person has sent since the page was opened. */
export function LiveRegion(): JSX.Element {
  const said = useSignal("");
  const opened = useSignal(Date.now());
  const told = useSignal<ReadonlySet<string>>(new Set());
  const ended = useComputed(() =>
    [...knownCommands.value.values()].filter(
      (command) => !isUnfinished(command) && command.by === session.value?.name && (command.ended ?? 0) > opened.value,
    ),
  );
  useSignalEffect(() => {
    const fresh = ended.value.find((command) => !told.peek().has(command.id));
    if (!fresh) return;
    told.value = new Set([...told.peek(), fresh.id]);
    said.value = t("{key} on {device}: {label}. {value}", {
      key: fresh.key,
      device: fresh.device,
      label: word(stateLooks[fresh.state].label),
      value: inReadersZone(fresh.error?.message ?? "", now.peek()),
    });
  });
  return (
    <div class="visually-hidden" aria-live="polite" data-testid="announcer">
      {said.value}
    </div>
  );
}
