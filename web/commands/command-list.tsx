import type { JSX } from "preact";
import { client } from "../state/page-client.ts";
import { listCommands, takeCommands } from "../state/command-state.ts";
import { generation } from "../state/live-state.ts";
import { useAnswer } from "../state/use-answer.ts";
import { CommandRow } from "./command-row.tsx";
import { isUnfinished } from "./states.ts";
import { t } from "../language/text.ts";

interface ListProps {
  /** One device's commands, or all. */
  readonly device?: string;
  readonly limit: number;
  /** The one that was just sent from here: it is shown opened. */
  readonly sent?: string | undefined;
}

/** Running commands first, then the past ones, newest first; kept current by events. */
export function CommandList({ device, limit, sent }: ListProps): JSX.Element {
  const { answer: fetched, problem } = useAnswer(async () => {
    takeCommands((await client.listCommands({ limit, device })).commands);
    return true;
  }, [device, limit, generation.value]);

  const all = listCommands(device);
  const open = all.filter(isUnfinished);
  const past = all.filter((command) => !isUnfinished(command)).slice(0, limit);
  if (problem.value) return <p class="refusal">{problem.value}</p>;
  if (all.length === 0) return <p class="hint">{fetched.value ? t("No commands yet.") : t("Loading…")}</p>;
  return (
    <ul class="commands">
      {[...open, ...past].map((command) => (
        <CommandRow
          key={`${command.device}/${command.id}`}
          command={command}
          showDevice={device === undefined}
          expanded={command.id === sent}
        />
      ))}
    </ul>
  );
}
