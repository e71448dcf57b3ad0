import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useLocation } from "preact-iso/router";
import { client } from "../state/page-client.ts";
import { Confirm } from "../commands/confirm-dialog.tsx";
import { dropDevice } from "../state/fleet-state.ts";
import { session } from "../state/session-state.ts";

/** Takes the device away, after a question. Nothing, for who may not. */
export function RemovalSection({ device }: { device: string }): JSX.Element | null {
  const { route } = useLocation();
  const asking = useSignal(false);
  const problem = useSignal<string | undefined>(undefined);
  if (session.value?.role !== "admin") return null;
  const remove = async (): Promise<void> => {
    try {
      await client.removeDevice(device);
      route("/");
      dropDevice({ device });
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  const answer = (yes: boolean): void => {
    asking.value = false;
    if (yes) void remove();
  };
  return (
    <section aria-labelledby="removal-title">
      <h2 id="removal-title">Remove</h2>
      <p class="hint">
        Its account and connection end, and all that is known of it goes but its samples. Enrolled again it is a new
        device.
      </p>
      {problem.value && <p class="refusal">{problem.value}</p>}
      <div>
        <button type="button" class="button" data-testid="remove-device" onClick={() => (asking.value = true)}>
          Remove {device}
        </button>
      </div>
      {asking.value && (
        <Confirm
          question={`Remove ${device}?`}
          consequence="Its account and connection end now, its open commands are cancelled, and its groups, counts and newest values go. Its samples stay. This cannot be undone."
          action="Remove the device"
          onAnswer={answer}
        />
      )}
    </section>
  );
}
