/**
 * How many QoS 1 messages may be unacknowledged at once: what the broker has allowed in its CONNACK (Receive Maximum, MQTT 5
 * §3.2.2.3.3). Whoever sends more is cut off [MQTT-3.3.4-7]. Others wait for their turn, in order.
 */
export class SendWindow {
  #max: number;
  #used = 0;
  #waiting: (() => void)[] = [];
  /** Where the queue begins: nothing is moved for each that goes. */
  #first = 0;

  /** @param most until {@link allow} says more */
  constructor(most: number) {
    this.#max = most;
  }

  /** What the broker has allowed. */
  allow(most: number): void {
    this.#max = most;
    this.#next();
  }

  get isFull(): boolean {
    return this.#used >= this.#max;
  }

  /** Calls `send` as soon as there is room; each call has to be followed by one {@link release}. */
  acquire(send: () => void): void {
    if (this.isFull || this.#first < this.#waiting.length) return void this.#waiting.push(send);
    this.#used += 1;
    send();
  }

  /** A message was acknowledged. */
  release(): void {
    this.#used -= 1;
    this.#next();
  }

  #next(): void {
    while (!this.isFull) {
      const send = this.#waiting[this.#first];
      if (!send) break;
      this.#first += 1;
      this.#used += 1;
      send();
    }
    if (this.#first < this.#waiting.length / 2) return;
    this.#waiting.splice(0, this.#first);
    this.#first = 0;
  }
}
