import { asDeviceId } from "#shared/ids";
import { mayReach, type GroupsOf, type Principal, type Role } from "#shared/principal";
import { Topics, type AddressKind } from "#shared/topics";
import { covers, overlaps } from "./filters.ts";

/** The trees that a rule can open as a whole: Muster's root, and the broker's word about itself. */
export type Tree = "root" | "$SYS";

/**
 * One line of the table: these roles may read (subscribe and receive) or write (publish) these kinds of topics,
 * their own (`own`: the device level is the principal's name) or everybody's; or a whole tree.
 */
export type Rule = { readonly roles: readonly Role[]; readonly may: "read" | "write" } & (
  | { readonly kinds: readonly AddressKind[]; readonly whose: "own" | "any" }
  | {
      readonly tree: Tree;
      /** But for these kinds of topics in it. */
      readonly but?: readonly AddressKind[];
    }
);

/**
 * Who may do what: the one table. The embedded broker asks it for every packet ({@link Access}), and
 * `mosquitto.ts` renders it to Mosquitto's ACL file. What is not in it is not allowed.
 */
export const rules: readonly Rule[] = [
  {
    roles: ["device"],
    may: "write",
    kinds: ["metrics", "simple", "status", "reply", "renew", "file-up"],
    whose: "own",
  },
  { roles: ["device"], may: "read", kinds: ["task", "ack", "refused", "certificate", "file-down"], whose: "own" },
  { roles: ["device"], may: "read", kinds: ["console", "authorities"], whose: "any" },
  { roles: ["console"], may: "write", tree: "root" },
  { roles: ["console"], may: "read", tree: "root" },
  // What stands in a device's files is for whoever asks the console for them, and that judges who may.
  { roles: ["viewer", "operator", "admin"], may: "read", tree: "root", but: ["file-up", "file-down"] },
  { roles: ["console", "viewer", "operator", "admin"], may: "read", tree: "$SYS" },
  { roles: ["operator", "admin"], may: "write", kinds: ["short", "task"], whose: "any" },
];

/**
 * Of `$SYS`, what is for those who are limited to groups: numbers of the whole fleet, which name nobody. Elsewhere in it client ids stand, which are
 * devices' names: Aedes' `$SYS/ID/new/clients`; Mosquitto's `log`, and `connection` of bridges. So this says what is theirs, and not what is not.
 */
export const countsOfBroker: readonly string[] = [
  "version",
  "uptime",
  "timestamp",
  "clients/+",
  "bytes/+",
  "messages/+",
  "publish/+/+",
  "store/+/+",
  "load/+/+",
  "load/+/+/+",
  "heap/+",
  "subscriptions/count",
  "shared_subscriptions/count",
  "retained messages/count",
].map((counts) => `$SYS/broker/${counts}`);

/** The table's lines for one role. */
export function rulesOf(role: Role): readonly Rule[] {
  return rules.filter((rule) => rule.roles.includes(role));
}

/** The filters that one rule opens to one principal; none where the principal's name cannot be a device's. */
export function filtersOf(rule: Rule, topics: Topics, name: string): readonly string[] {
  if ("tree" in rule) return [rule.tree === "root" ? [topics.root, "#"].join("/") : "$SYS/#"];
  const device = rule.whose === "any" ? "+" : asDeviceId(name);
  return device ? rule.kinds.map((kind) => topics.filter(kind, device)) : [];
}

/** Answers who may publish, subscribe and receive what, under one root. */
export class Access {
  readonly topics: Topics;
  readonly #tree: string;
  readonly #groupsOf: GroupsOf;

  /** @param groupsOf for those who are limited to groups of devices */
  constructor(root: string, groupsOf: GroupsOf = () => []) {
    this.topics = new Topics(root);
    this.#groupsOf = groupsOf;
    this.#tree = [root, ""].join("/");
  }

  /** Whether `principal` may publish to `topic`. */
  mayPublish(principal: Principal, topic: string): boolean {
    return this.#allows(principal, "write", topic) && this.#isWithin(principal, topic);
  }

  /** Whether a message on `topic` may reach `principal`, whatever it has subscribed. */
  mayReceive(principal: Principal, topic: string): boolean {
    return this.#allows(principal, "read", topic) && this.#isWithin(principal, topic);
  }

  /**
   * Whether a subscription of `filter` is granted. A device's has to lie inside what it may read. Who reads a whole tree may
   * ask for more than the tree (`#`, as people type it): what lies beyond is withheld when it is forwarded. So are the devices of other
   * groups, because a device may get into another group at any time; who names such a one is told at once.
   */
  maySubscribe(principal: Principal, filter: string): boolean {
    if (principal.groups !== undefined && !this.#mayName(principal, filter)) return false;
    return rulesOf(principal.role).some((rule) => {
      if (rule.may !== "read") return false;
      if ("tree" in rule && rule.but?.some((kind) => covers(this.topics.filter(kind), filter))) return false;
      const opened = filtersOf(rule, this.topics, principal.name);
      return opened.some((open) => ("tree" in rule ? overlaps(open, filter) : covers(open, filter)));
    });
  }

  /** Of who is limited to groups: whether the topic is one of theirs, or of none. Any other one may tell of any device. */
  #isWithin(principal: Principal, topic: string): boolean {
    if (principal.groups === undefined) return true;
    if (topic.startsWith("$SYS/")) return countsOfBroker.some((counts) => covers(counts, topic));
    const address = this.topics.parse(topic);
    // An alert may be about any device, or all.
    if (!address || address.kind === "alert") return false;
    return !("device" in address) || mayReach(principal, address.device, this.#groupsOf);
  }

  #mayName(principal: Principal, filter: string): boolean {
    if (!filter.startsWith(this.#tree)) return true;
    const device = asDeviceId(filter.slice(this.#tree.length).split("/", 1)[0] ?? "");
    return device === undefined || mayReach(principal, device, this.#groupsOf);
  }

  #allows(principal: Principal, may: Rule["may"], topic: string): boolean {
    for (const rule of rules) {
      if (rule.may === may && rule.roles.includes(principal.role) && this.#opens(rule, principal, topic)) return true;
    }
    return false;
  }

  #isLeftOut({ but }: Extract<Rule, { readonly tree: Tree }>, topic: string): boolean {
    const kind = but && this.topics.parse(topic)?.kind;
    return kind !== undefined && but?.includes(kind) === true;
  }

  #opens(rule: Rule, principal: Principal, topic: string): boolean {
    if ("tree" in rule)
      return topic.startsWith(rule.tree === "root" ? this.#tree : "$SYS/") && !this.#isLeftOut(rule, topic);
    const address = this.topics.parse(topic);
    if (!address || !rule.kinds.includes(address.kind)) return false;
    return rule.whose === "any" || ("device" in address && address.device === principal.name);
  }
}
