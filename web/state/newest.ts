import { useEffect, useRef } from "preact/hooks";

/**
 * Answers may come in another order than they were asked for in. Each `begin` is for one question, and what it gives says, once the answer is there,
 * whether nothing newer was asked meanwhile: only then it is taken.
 */
export class Newest {
  #turn = 0;

  begin(): () => boolean {
    const mine = ++this.#turn;
    return () => mine === this.#turn;
  }

  /** What is on its way is for nobody any more. */
  forget(): void {
    this.#turn += 1;
  }
}

/** The same for a component; once it is gone, no answer is the newest. */
export function useNewest(): Newest {
  const newest = useRef<Newest>(null);
  const mine = (newest.current ??= new Newest());
  useEffect(() => () => mine.forget(), [mine]);
  return mine;
}

let last = 0;

/** A moment in the order of what was asked for and told, for what events tell as well: who asked earlier knows less. */
export const nextMoment = (): number => (last += 1);
