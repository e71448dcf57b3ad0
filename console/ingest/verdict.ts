/**
 * How every batch ends that was heard. `stored` and `rejected` are acknowledged, because to send it again would change nothing;
 * `deferred` is not: its sender keeps it, and sends it again.
 */
export type BatchVerdict =
  | {
      readonly kind: "stored";
      /** Of its samples, those that the store has. */
      readonly samples: number;
    }
  | { readonly kind: "rejected"; readonly why: string }
  | {
      readonly kind: "deferred";
      /** What a later try may mend; undefined where that was told already. */
      readonly cause?: Error;
    };
