import type { JSX } from "preact";
import { language } from "../language/text.ts";
import { now } from "../state/now.ts";
import { formatAgo, formatUntil } from "./format-duration.ts";
import { formatMoment, formatWhole } from "./moment.ts";
import { piecesOf } from "./told-moments.ts";

interface WhenProps {
  /** Epoch ms. */
  readonly ts: number;
}

/** How long ago something was; when exactly, in the reader's zone, on hover. */
export const Ago = ({ ts }: WhenProps): JSX.Element => <Time ts={ts} text={formatAgo(ts, now.value)} />;

/** In how long something will be; when exactly on hover. */
export const Until = ({ ts }: WhenProps): JSX.Element => <Time ts={ts} text={formatUntil(ts, now.value)} />;

/** A moment in the reader's zone, where it is to be compared with others; with its day, zone and milliseconds on hover. */
export const At = ({ ts }: WhenProps): JSX.Element => <Time ts={ts} text={formatMoment(ts, now.value)} />;

/** A sentence of the console or of a device, with its moments in the reader's zone. It is English, and says so where the page is not. */
export function ToldText({ text }: { text: string }): JSX.Element {
  const pieces = piecesOf(text).map((piece, index) =>
    typeof piece === "string" ? piece : <At key={index} ts={piece.ts} />,
  );
  return language.value === "en" ? <>{pieces}</> : <span lang="en">{pieces}</span>;
}

/** Also of a moment that no calendar has. */
export function Time({ ts, text }: WhenProps & { readonly text: string }): JSX.Element {
  const date = new Date(ts);
  if (Number.isNaN(date.getTime())) return <>–</>;
  return (
    <time dateTime={date.toISOString()} title={formatWhole(ts)}>
      {text}
    </time>
  );
}
