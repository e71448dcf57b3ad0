/** What there is to say of an alert, to whoever brings it to people. Moments are epoch ms. */
export interface AlertNotice {
  /** The alert's id. */
  readonly alert: string;
  readonly kind: "firing" | "resolved";
  readonly rule: string;
  readonly severity: string;
  readonly device: string | null;
  readonly at: number;
  readonly since: number;
  readonly title: string;
  readonly text: string;
  readonly value: number | string | boolean | null;
  readonly url: string | null;
  readonly labels: Readonly<Record<string, string>>;
}
