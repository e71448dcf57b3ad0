/** A file on its way to the console, which a reload of the page cuts off; a browser gives no file anew that was chosen before. */
export interface BegunPut {
  readonly name: string;
  readonly path: string;
  readonly overwrite: boolean;
}

const nameOf = (device: string): string => `muster-put-${device}`;

/** What was begun for a device in this tab, and has not been sent. */
export function begunPut(device: string): BegunPut | undefined {
  try {
    const kept: unknown = JSON.parse(sessionStorage.getItem(nameOf(device)) ?? "null");
    return typeof kept === "object" && kept !== null && "name" in kept ? (kept as BegunPut) : undefined;
  } catch {
    return undefined;
  }
}

/** @param begun undefined once it is sent */
export function rememberPut(device: string, begun: BegunPut | undefined): void {
  try {
    if (begun) sessionStorage.setItem(nameOf(device), JSON.stringify(begun));
    else sessionStorage.removeItem(nameOf(device));
  } catch {
    // A browser that keeps nothing: then only the hint is missing.
  }
}
