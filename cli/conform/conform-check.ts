import type { Json } from "#shared/messages/payload-schema";
import type { Stage } from "./stage.ts";

/** `ok`: as the protocol says. `bad`: not so. `skipped`: there is nothing to try it by. */
export interface ConformVerdict {
  readonly mark: "ok" | "bad" | "skipped";
  readonly says: string;
}

/** By what an agent is tried. */
export interface ConformOptions {
  /** A command that it carries out in a moment, and that harms nothing. */
  readonly key: string;
  readonly args: Record<string, Json>;
  /** One that ends in a moment and may not run twice. */
  readonly single?: { readonly key: string; readonly args: Record<string, Json> } | undefined;
  /** One that takes some seconds, to be withdrawn while it runs. */
  readonly slow?: { readonly key: string; readonly args: Record<string, Json> } | undefined;
}

/** One promise of the protocol, and how an agent is asked for it. */
export interface ConformCheck {
  readonly what: string;
  readonly run: (stage: Stage, options: ConformOptions) => Promise<ConformVerdict>;
}

export const ok = (says: string): ConformVerdict => ({ mark: "ok", says });
export const broken = (says: string): ConformVerdict => ({ mark: "bad", says });
export const skipped = (says: string): ConformVerdict => ({ mark: "skipped", says });
