import { systemClock, type Clock } from "#shared/clock";

/** Milliseconds: waits up to here are kept as they are. */
const kept = 300;
/** By how much the rest of a longer wait is shortened. */
const shortened = 100;

/**
 * The machine's clock, but long waits are cut short: a round of a second would otherwise wait half a minute for a back-off that the
 * rounds before have driven up. Both clocks tell the true time; the one who waits only loses patience sooner.
 */
export const hastyClock: Clock = {
  ...systemClock,
  after: (ms, run) => systemClock.after(ms <= kept ? ms : kept + (ms - kept) / shortened, run),
};

/**
 * Seconds between pings for who hears things but once: by the hasty clock a ping goes out after some seconds of silence, and its answer has three. By the usual ones
 * it has 450 ms, and on a busy machine the console would come off the broker, which keeps nothing for it.
 */
export const patientKeepalive = 600;
