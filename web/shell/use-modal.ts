import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A native dialog that is there as long as its component is: it keeps the focus inside, closes on Escape, and gives the focus back to what had it. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const shown = dialog.current;
    shown?.showModal();
    // Only a close gives the focus back: to be taken away does not.
    return () => shown?.close();
  }, []);
  return dialog;
}
