/** Bytes of a file that is fetched or put: logs, settings, an image of a screen. What is larger has better ways than a broker. */
export const maxFileBytes = 256 * 1024 * 1024;

/** Bytes of a part of a file in one request to the console: few requests for a large one, and none that holds up another. */
export const maxPartBytes = 256 * 1024;
