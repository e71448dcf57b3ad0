/** A secret that may be another one by the next try, as while it is changed. */
export interface LinkSecret {
  readonly current: string;
  /** The broker has let the present one in. */
  readonly accepted: () => void;
  /** It has not. */
  readonly refused: () => void;
}
