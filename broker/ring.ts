/** A queue that grows by doubling and gives and takes in constant time, where an array's `shift` moves all that wait. */
export class Ring<T> {
  #slots: (T | undefined)[] = Array.from({ length: 16 });
  #head = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(item: T): void {
    if (this.#length === this.#slots.length) this.#grow();
    this.#slots[(this.#head + this.#length) & (this.#slots.length - 1)] = item;
    this.#length += 1;
  }

  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) & (this.#slots.length - 1);
    this.#length -= 1;
    return item;
  }

  #grow(): void {
    const tail = this.#slots.slice(0, this.#head);
    this.#slots = [...this.#slots.slice(this.#head), ...tail, ...Array.from<undefined>({ length: this.#slots.length })];
    this.#head = 0;
  }
}
