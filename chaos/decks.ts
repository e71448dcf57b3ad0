import { Random } from "./random.ts";

/** By what a fault's name begins: "cut", "kill", "agent:". */
const kindOf = (name: string): string => name.split(" ", 1)[0] ?? "";

/**
 * Which fault a round is given, by the seed alone. They come in shuffled decks, so that each is met equally often, and the kinds
 * take turns, so that a short run meets every kind.
 */
export function faultOfRound(seed: string, names: readonly string[], round: number): string {
  const shuffled = new Random(`${seed} deck ${Math.floor(round / names.length)}`).shuffle(names);
  const deck: string[] = [];
  const piles = new Map<string, string[]>();
  for (const name of shuffled) piles.set(kindOf(name), [...(piles.get(kindOf(name)) ?? []), name]);
  for (let turn = 0; deck.length < names.length; turn++)
    for (const pile of piles.values()) deck.push(...pile.slice(turn, turn + 1));
  const name = deck[round % names.length];
  if (name === undefined) throw new Error("there is no fault of these names in this setting");
  return name;
}
