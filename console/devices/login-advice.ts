import { retiredSince, type Retirement } from "./retirements.ts";

/** What is known of a device that came with a wrong secret. */
export interface LoginFacts {
  readonly retirement: Retirement | undefined;
  /** Whether it has an account. */
  readonly isDevice: boolean;
  /** When a machine has come in anew under its name, epoch ms. */
  readonly again: () => number | undefined;
}

/**
 * Why a device's login was refused, and what to do, for people: whoever connects is told neither.
 * @param why what is known of any login
 * @returns undefined where the name is no device's
 */
export function loginAdvice(
  device: string,
  why: string,
  { retirement, isDevice, again }: LoginFacts,
): { readonly why: string; readonly try: string } | undefined {
  if (retirement)
    return {
      why: `${why}: ${retiredSince(device, retirement)}; it comes in again once it is back in service`,
      try: `muster device return ${device}`,
    };
  if (!isDevice) return undefined;
  const enroll = `muster enroll ${device} --again`;
  const ts = again();
  if (ts === undefined) return { why: `${why}; if its secret was lost or changed, let it in again`, try: enroll };
  const when = new Date(ts).toISOString().slice(0, 10);
  return {
    why: `${why}: ${device} was replaced or enrolled again on ${when}, and this is perhaps the machine of before, which is to stay out; only if it is the right one, let it in again, which ends the other's secret`,
    try: enroll,
  };
}
