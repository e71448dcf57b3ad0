import manifest from "../package.json" with { type: "json" };

/** Muster's version, from package.json. */
export const version: string = manifest.version;
