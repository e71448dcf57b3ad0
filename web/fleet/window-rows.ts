import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** Rows up to which all are drawn, as high as they want to be. */
export const drawnWhole = 200;
/** Rows that are drawn above and below what is in sight. */
const margin = 12;

const phone = "(width < 720px)";
/** As the style sheet has it. */
const heights = { wide: 42, narrow: 100 };

export interface RowWindow {
  readonly from: number;
  readonly to: number;
  /** Pixels of one row; undefined where all are drawn. */
  readonly height: number | undefined;
  readonly body: RefObject<HTMLTableSectionElement | null>;
  readonly reveal: (index: number) => void;
}

/** Which of so many rows are in sight. */
export function useRowWindow(count: number): RowWindow {
  const body = useRef<HTMLTableSectionElement>(null);
  const range = useSignal({ from: 0, to: drawnWhole });
  const all = count <= drawnWhole;
  const height = (): number => (matchMedia(phone).matches ? heights.narrow : heights.wide);
  useEffect(() => {
    if (all) return;
    let asked = 0;
    const look = (): void => {
      asked = 0;
      const top = -(body.current?.getBoundingClientRect().top ?? 0);
      const first = Math.max(0, Math.floor(top / height()) - margin);
      const to = Math.ceil((top + innerHeight) / height()) + margin;
      const { from, to: until } = range.peek();
      if (first !== from || to !== until) range.value = { from: first, to };
    };
    const soon = (): void => void (asked ||= requestAnimationFrame(look));
    look();
    addEventListener("scroll", soon, { passive: true });
    addEventListener("resize", soon);
    return () => {
      removeEventListener("scroll", soon);
      removeEventListener("resize", soon);
      cancelAnimationFrame(asked);
    };
  }, [all]);
  const reveal = (index: number): void => {
    const top = (body.current?.getBoundingClientRect().top ?? 0) + index * height();
    if (!all && (top < 60 || top > innerHeight - 2 * height())) scrollBy({ top: top - innerHeight / 2 });
  };
  if (all) return { from: 0, to: count, height: undefined, body, reveal };
  const from = Math.min(range.value.from, Math.max(0, count - 1));
  return { from, to: Math.min(count, Math.max(from, range.value.to)), height: height(), body, reveal };
}
