import { useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { PresenceDocument } from "#api/device-routes";
import { maxFileBytes } from "#shared/files/file-bounds";
import { formatValue } from "../format/number.ts";
import { t } from "../language/text.ts";
import { browserKey } from "../signing/browser-key.ts";
import { signOrder } from "../signing/sign-order.ts";
import { SigningNote } from "../signing/signing-note.tsx";
import { takeCommands } from "../state/command-state.ts";
import { client } from "../state/page-client.ts";
import { sentenceOf } from "../state/use-answer.ts";
import { newCommand } from "../commands/sending.ts";
import { giveFile, hashOfFile } from "./give-file.ts";
import { begunPut, rememberPut } from "./begun-put.ts";
import "./put-form.css";

/** Milliseconds for which the command may wait for a device that is away: as `muster put` has it. */
const mayWait = 86_400_000;
/** Milliseconds between two looks whether the console is back. */
const again = 1_000;

/** A directory, for which a path stands. */
const example = "/etc/app/";

interface PutFormProps {
  readonly device: PresenceDocument;
  readonly onSent: (id: string) => void;
}

type Step = "reading" | "giving";

/** Puts a file of this machine onto a device: its hash, then its bytes to the console, then the command that has the device take them. */
export function PutForm({ device, onSent }: PutFormProps): JSX.Element {
  const before = useRef(begunPut(device.id)).current;
  const chosen = useRef<HTMLInputElement>(null);
  const path = useSignal(before?.path ?? "");
  const overwrite = useSignal(before?.overwrite ?? false);
  const step = useSignal<Step | undefined>(undefined);
  const share = useSignal(0);
  const sha256 = useSignal("");
  const problem = useSignal<string | undefined>(undefined);
  const stop = useRef(new AbortController());
  // Who goes to another page has given up, and can go on later.
  useEffect(() => () => stop.current.abort(), []);

  const put = async (file: File): Promise<void> => {
    const to = path.peek().endsWith("/") ? path.peek() + file.name : path.peek();
    stop.current = new AbortController();
    const { signal } = stop.current;
    const told = (part: number): void => void (share.value = part);
    const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, again));
    rememberPut(device.id, { name: file.name, path: path.peek(), overwrite: overwrite.peek() });
    step.value = "reading";
    sha256.value = await hashOfFile(file, { signal, told });
    step.value = "giving";
    share.value = 0;
    await giveFile(file, sha256.peek(), { client, signal, told, pause });
    const args = { path: to, size: file.size, sha256: sha256.peek(), ...(overwrite.peek() ? { overwrite: true } : {}) };
    const command = newCommand("put", args, { ok: true, timeout: device.online ? 5_000 : 1_000, ttl: mayWait });
    const key = browserKey.value;
    const order = device.signers && key ? await signOrder(key, device.id, command) : command;
    const sent = await client.sendCommand(device.id, order, { wait: false });
    takeCommands([sent]);
    rememberPut(device.id, undefined);
    onSent(sent.id);
  };
  const submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault();
    const file = chosen.current?.files?.[0];
    problem.value = wrongWith(file, path.peek());
    if (!file || problem.peek() !== undefined) return;
    sha256.value = "";
    try {
      await put(file);
    } catch (error) {
      if (!stop.current.signal.aborted) problem.value = sentenceOf(error);
    } finally {
      step.value = undefined;
    }
  };
  const working = step.value !== undefined;
  return (
    <form class="put-form" data-testid="put-form" onSubmit={(event) => void submit(event)} noValidate>
      <div class="field">
        <label for="put-file">{t("File")}</label>
        <input id="put-file" data-testid="put-file" type="file" ref={chosen} disabled={working} />
        {before && !sha256.value && (
          <div class="field-note" data-testid="put-begun">
            {t("“{name}” was begun here. Choose it again, and it goes on where it was cut off.", { name: before.name })}
          </div>
        )}
      </div>
      <div class="field">
        <label for="put-path">{t("Path on the device")}</label>
        <input
          id="put-path"
          data-testid="put-path"
          value={path.value}
          placeholder={example}
          spellcheck={false}
          disabled={working}
          onInput={(event) => (path.value = event.currentTarget.value)}
        />
        <div class="field-note">
          {t("In a directory that the device allows. One that ends in a slash gets the file's name.")}
        </div>
      </div>
      <label class="put-overwrite">
        <input
          type="checkbox"
          data-testid="put-overwrite"
          checked={overwrite.value}
          disabled={working}
          onChange={(event) => (overwrite.value = event.currentTarget.checked)}
        />
        {t("Replace what is there")}
      </label>
      {device.signers && <SigningNote signers={device.signers} />}
      {working && (
        <div class="put-progress" role="status">
          <progress
            max={1}
            value={share.value}
            aria-label={step.value === "reading" ? t("Reading") : t("To the console")}
          />
          <span data-testid="put-step">
            {step.value === "reading" ? t("Reading") : t("To the console")} {formatValue(100 * share.value, "percent")}
          </span>
        </div>
      )}
      {sha256.value && (
        <p class="field-note" data-testid="put-hash">
          {t("SHA-256 of the file:")} <code class="wrapping">{sha256.value}</code>
        </p>
      )}
      {problem.value && (
        <p class="refusal" role="alert" data-testid="put-refused">
          {problem.value}
        </p>
      )}
      <div class="service-actions">
        <button type="submit" class="button primary" data-testid="put-send" disabled={working}>
          {t("Put it on the device")}
        </button>
        {working && (
          <button type="button" class="button" data-testid="put-stop" onClick={() => stop.current.abort()}>
            {t("Stop")}
          </button>
        )}
      </div>
    </form>
  );
}

function wrongWith(file: File | undefined, path: string): string | undefined {
  if (!file) return t("Choose a file.");
  if (!path.startsWith("/")) return t("The path begins with a slash.");
  if (file.size > maxFileBytes)
    return t("{name} has {size}: {most} at most.", {
      name: file.name,
      size: formatValue(file.size, "bytes"),
      most: formatValue(maxFileBytes, "bytes"),
    });
  return undefined;
}
