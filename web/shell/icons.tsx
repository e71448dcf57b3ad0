import type { JSX } from "preact";

/** A row of many under one: the fleet, gathered. */
export function Logo(): JSX.Element {
  return (
    <svg class="logo" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <circle cx="16" cy="9" r="3" />
      <circle cx="9" cy="16" r="2.4" />
      <circle cx="16" cy="16" r="2.4" />
      <circle cx="23" cy="16" r="2.4" />
      <circle cx="6.5" cy="23" r="2" />
      <circle cx="12.8" cy="23" r="2" />
      <circle cx="19.2" cy="23" r="2" />
      <circle cx="25.5" cy="23" r="2" />
    </svg>
  );
}

export function Chevron({ open }: { open: boolean }): JSX.Element {
  return (
    <svg class={open ? "chevron open" : "chevron"} viewBox="0 0 16 16" aria-hidden="true">
      <path d="M6 4l4 4-4 4" />
    </svg>
  );
}

export function Search(): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <circle cx="7" cy="7" r="4.5" />
      <path d="M10.5 10.5L14 14" />
    </svg>
  );
}

export function Warning(): JSX.Element {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d="M8 2.2L14.3 13.5H1.7zM8 6.5v3.2M8 11.7v.1" />
    </svg>
  );
}
