import { setFlagsFromString } from "node:v8";

/**
 * To be imported before all else: a heap for a program that works a millisecond in each second. V8 reads these when the heap
 * grows and when it would compile, so they count from here on.
 */
// The young generation, which would grow to 48 MB before anything is thrown away.
setFlagsFromString("--max-semi-space-size=1");
// The optimizing compiler brings more of itself into memory (4 MB) than it saves on so little work.
setFlagsFromString("--no-opt");
