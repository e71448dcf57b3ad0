import { useComputed, useSignal } from "@preact/signals";
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef } from "preact/hooks";
import { saveAsFile } from "../shell/save-file.ts";
import { findIn, maxFound, piecesAround } from "./output-search.ts";
import { t } from "../language/text.ts";

interface BlockProps {
  readonly title: string;
  readonly text: string;
  /** It grows: its end is shown, unless somebody has scrolled away from it. */
  readonly tail?: boolean;
  readonly bad?: boolean;
  /** What it is called as a file. */
  readonly file: string;
}

/** Characters from which on a text is searched and saved: what is shorter is seen at once. */
const long = 400;
/** Pixels from its end within which somebody still looks at it. */
const nearEnd = 24;

/** Preformatted text, to be searched, copied and saved. */
export function TextBlock({ title, text, tail = false, bad = false, file }: BlockProps): JSX.Element {
  const pre = useRef<HTMLPreElement>(null);
  const follows = useRef(tail);
  const wanted = useSignal("");
  const current = useSignal(0);
  const { found, more } = useMemo(() => findIn(text, wanted.value), [text, wanted.value]);
  const at = Math.min(current.value, found.length - 1);
  useLayoutEffect(() => {
    if (follows.current && pre.current) pre.current.scrollTop = pre.current.scrollHeight;
  }, [text]);
  useEffect(() => {
    const [box, mark] = [pre.current, pre.current?.querySelector("mark[aria-current]")];
    if (at < 0 || !box || !mark) return;
    // Into the middle of the text, so that what is around it is seen; the page itself moves no more than it has to.
    const [outer, inner] = [box.getBoundingClientRect(), mark.getBoundingClientRect()];
    box.scrollTop += inner.top - outer.top - (box.clientHeight - inner.height) / 2;
    mark.scrollIntoView({ block: "nearest" });
  }, [at, wanted.value]);
  const scrolled = (): void => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = pre.current ?? {};
    follows.current = tail && scrollHeight - scrollTop - clientHeight <= nearEnd;
  };
  const step = (by: number): void => {
    if (found.length > 0) current.value = (at + by + found.length) % found.length;
  };
  const isLong = text.length > long;
  return (
    <section class="block">
      <div class="block-head">
        <h4>{title}</h4>
        {isLong && (
          <div class="block-search" role="search">
            <input
              type="search"
              placeholder={t("Find")}
              aria-label={t("Find in {title}", { title })}
              data-testid="block-find"
              value={wanted.value}
              onInput={(event) => {
                wanted.value = event.currentTarget.value;
                current.value = 0;
              }}
              onKeyDown={(event) => {
                if (event.key !== "Enter") return;
                event.preventDefault();
                step(event.shiftKey ? -1 : 1);
              }}
            />
            <span role="status" data-testid="block-found">
              {wanted.value !== "" &&
                (found.length === 0
                  ? t("nothing")
                  : t("{value} of {all}", { value: at + 1, all: `${found.length}${more ? "+" : ""}` }))}
            </span>
            <button
              type="button"
              class="button small"
              aria-label={t("Previous")}
              disabled={at < 0}
              onClick={() => step(-1)}
            >
              ↑
            </button>
            <button type="button" class="button small" aria-label={t("Next")} disabled={at < 0} onClick={() => step(1)}>
              ↓
            </button>
          </div>
        )}
        <CopyButton title={title} text={text} element={() => pre.current} />
        {isLong && (
          <button
            type="button"
            class="button small"
            aria-label={t("Save {title} as a file", { title })}
            data-testid="block-save"
            onClick={() => saveAsFile(file, new Blob([text], { type: "text/plain" }))}
          >
            {t("Save")}
          </button>
        )}
      </div>
      <pre ref={pre} class={bad ? "bad" : ""} tabIndex={0} onScroll={scrolled}>
        {found.length === 0
          ? text
          : piecesAround(text, found).map((piece) =>
              piece.at === undefined ? (
                piece.text
              ) : (
                <mark key={piece.at} aria-current={piece.at === at ? "true" : undefined}>
                  {piece.text}
                </mark>
              ),
            )}
      </pre>
      {more && <p class="field-note">{t("The first {maxFound} places are marked.", { maxFound })}</p>}
    </section>
  );
}

interface CopyProps {
  readonly title: string;
  readonly text: string;
  readonly element: () => HTMLElement | null;
}

/** Without TLS a browser gives no clipboard: then the text is selected, and a person copies it. */
function CopyButton({ title, text, element }: CopyProps): JSX.Element {
  const said = useSignal(t("Copy"));
  const label = useComputed(() => (said.value === "Copy" ? t("Copy {title}", { title }) : undefined));
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      said.value = t("Copied");
    } catch {
      const shown = element();
      if (shown) getSelection()?.selectAllChildren(shown);
      said.value = t("Selected");
    }
    setTimeout(() => (said.value = t("Copy")), 2_000);
  };
  return (
    <button
      type="button"
      class="button small"
      aria-label={label.value}
      data-testid="block-copy"
      onClick={() => void copy()}
    >
      {said.value}
    </button>
  );
}
