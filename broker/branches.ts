/**
 * What is below one level of a topic. Of ten thousand devices nearly every level has one or two below it, for which a `Map` of its own is
 * 200 bytes; so the first two stand in the node, and only what has more gets a map for the rest.
 */
export abstract class Branches<Node> {
  #firstLevel: string | undefined;
  #first: Node | undefined;
  #secondLevel: string | undefined;
  #second: Node | undefined;
  #more: Map<string, Node> | undefined;

  /** What is below by this level's name. */
  below(level: string): Node | undefined {
    if (level === this.#firstLevel) return this.#first;
    if (level === this.#secondLevel) return this.#second;
    return this.#more?.get(level);
  }

  /** Puts `node` below by a name that nothing is below by. */
  grow(level: string, node: Node): Node {
    if (this.#firstLevel === undefined) [this.#firstLevel, this.#first] = [level, node];
    else if (this.#secondLevel === undefined) [this.#secondLevel, this.#second] = [level, node];
    else (this.#more ??= new Map()).set(level, node);
    return node;
  }

  cut(level: string): void {
    if (level === this.#firstLevel) this.#firstLevel = this.#first = undefined;
    else if (level === this.#secondLevel) this.#secondLevel = this.#second = undefined;
    else if (this.#more?.delete(level) && this.#more.size === 0) this.#more = undefined;
  }

  get isBare(): boolean {
    return this.#firstLevel === undefined && this.#secondLevel === undefined && this.#more === undefined;
  }

  /** Calls `visit` with all that is below. */
  eachBelow(visit: (node: Node, level: string) => void): void {
    if (this.#firstLevel !== undefined && this.#first) visit(this.#first, this.#firstLevel);
    if (this.#secondLevel !== undefined && this.#second) visit(this.#second, this.#secondLevel);
    if (this.#more) for (const [level, node] of this.#more) visit(node, level);
  }
}
