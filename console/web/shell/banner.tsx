import type { JSX } from "preact";
import { broker, connection, fetchProblem, store } from "../state/live.ts";
import { Warning } from "./icons.tsx";

/** What keeps the page from being the truth, or the console from doing its work. */
export function Banners(): JSX.Element {
  const sentences: (readonly [id: string, sentence: string])[] = [];
  if (connection.value === "lost")
    sentences.push(["stream", "The connection to the console is lost: reconnecting… What you see may be out of date."]);
  if (fetchProblem.value && connection.value === "live") sentences.push(["fetch", fetchProblem.value]);
  if (!store.value.ok)
    sentences.push([
      "store",
      `The store takes no samples at the moment: ${store.value.problem ?? "it did not say why"}`,
    ]);
  if (!broker.value.connected && connection.value === "live")
    sentences.push(["broker", "The console has no connection to the broker: devices cannot be heard or reached."]);
  return (
    <div role="status" class="banners">
      {sentences.map(([id, sentence]) => (
        <div key={id} class="banner" data-testid={`banner-${id}`}>
          <Warning /> <span>{sentence}</span>
        </div>
      ))}
    </div>
  );
}
