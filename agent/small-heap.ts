import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/**
 * To be imported before all else: a heap for a program that works a millisecond in each second. V8 reads these when the heap
 * grows and when it would compile, so they count from here on. `build-agent.mjs` has the first one in front of all code, for most of the growth
 * is at the start.
 */
// The young generation stays as small as it begins: it would grow to 48 MB before anything is thrown away. Its largest size itself is read
// before any program runs.
setFlagsFromString("--semi-space-growth-factor=1");
// The optimizing compilers bring more of themselves into memory (4 MB and 1 MB) than they save on so little work.
setFlagsFromString("--no-opt");
setFlagsFromString("--no-sparkplug");

/** Milliseconds after which what the start has left is collected, 1 MB: in a program that makes so little V8 would let it lie for hours. */
const tidyAfter = 8_000;
setTimeout(() => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  setFlagsFromString("--no-expose-gc");
  // What the first one finds to be held by weak hands alone, the others let go of.
  for (let round = 0; round < 3; round += 1) collect();
}, tidyAfter).unref();
