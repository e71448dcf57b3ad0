import { useEffect } from "preact/hooks";

/** Keys of the fleet's page, each with what it does: the help lists them, too. */
export const fleetKeys = [
  ["/", "write a filter"],
  ["j", "to the next device"],
  ["k", "to the one before"],
  ["x", "select it, or not"],
  ["Enter", "open it"],
  ["a", "select all that are listed, or none"],
  ["m", "list or mosaic"],
  ["w", "the wall: the whole screen, without anything to click"],
  ["Esc", "let go of the selection; leave the wall"],
  ["?", "these keys"],
  ["Ctrl K", "go anywhere, do anything"],
] as const;

export type FleetKey = (typeof fleetKeys)[number][0];

/** Somebody who writes means letters. */
function isWriting({ target }: KeyboardEvent): boolean {
  const element = target as HTMLElement;
  return (
    element.isContentEditable ||
    element.tagName === "TEXTAREA" ||
    element.tagName === "SELECT" ||
    (element.tagName === "INPUT" && (element as HTMLInputElement).type !== "checkbox")
  );
}

/** Calls back with each key that means something here. */
export function useFleetKeys(pressed: (key: FleetKey) => void): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      const key = event.key === "Escape" ? "Esc" : event.key;
      if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event)) return;
      if (document.querySelector("dialog[open]")) return;
      // A link or button that has the focus takes Enter itself.
      if (key === "Enter" && event.target !== document.body) return;
      const known = fleetKeys.find(([one]) => one === key);
      if (!known) return;
      event.preventDefault();
      pressed(known[0]);
    };
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  });
}
