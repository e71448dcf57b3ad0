import { isLoopbackHost } from "#shared/address";

/** Whether a URL leads to this very machine: what is sent there reaches no network. */
export function isLoopback(url: string): boolean {
  return isLoopbackHost(new URL(url).hostname.replaceAll(/[[\]]/g, ""));
}
