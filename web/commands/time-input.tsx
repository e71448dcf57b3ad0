import type { JSX } from "preact";

interface TimeInputProps {
  readonly name: "timeout" | "ttl";
  readonly title: string;
  readonly placeholder: string;
  readonly problem: string | undefined;
  /** What is known about such times. */
  readonly note?: string | undefined;
  readonly times: { timeout: string; ttl: string };
  readonly onTyped: (times: { timeout: string; ttl: string }) => void;
}

/** One of the two times of a command: how long its caller waits, how long it may wait itself. */
export function TimeInput({ name, title, placeholder, problem, note, times, onTyped }: TimeInputProps): JSX.Element {
  const id = `command-${name}`;
  return (
    <div class="field">
      <label for={id}>{title}</label>
      <input
        id={id}
        data-testid={id}
        type="text"
        autocomplete="off"
        placeholder={placeholder}
        value={times[name]}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-note`}
        onInput={(event) => onTyped({ ...times, [name]: event.currentTarget.value })}
      />
      <div id={`${id}-note`} class="field-note">
        {problem ? <span class="bad">{problem}</span> : note}
      </div>
    </div>
  );
}
