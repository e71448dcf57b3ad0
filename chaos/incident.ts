/** What happened to a process, or was done to it. */
export interface Incident {
  /** Epoch ms. */
  readonly at: number;
  readonly who: string;
  readonly what: string;
}
