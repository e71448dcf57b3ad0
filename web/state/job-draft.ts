import { signal } from "@preact/signals";
import type { TypedOrder } from "../jobs/read-order.ts";

/** What the form for a job begins with: whom somebody has chosen in the fleet. */
export const draft = signal<Partial<TypedOrder> | undefined>(undefined);
