import { setFlagsFromString } from "node:v8";

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
