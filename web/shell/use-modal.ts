import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A native dialog that is there as long as its component is: it keeps the focus inside, closes on Escape, and gives the focus back to what had it. */
export function useModal(): RefObject<HTMLDialogElement | null> {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const [shown, before] = [dialog.current, document.activeElement];
    shown?.showModal();
    return () => {
      // Only a close gives the focus back, and only as long as the dialog is there: it may be gone by now.
      shown?.close();
      if (document.activeElement === document.body && before instanceof HTMLElement) before.focus();
    };
  }, []);
  return dialog;
}
