import { asCommandId, asDeviceId, type CommandId, type DeviceId } from "#shared/ids";

/**
 * What a topic means. Every topic of Muster is built and parsed here and nowhere else;
 * {@link Topics.parse} and {@link Topics.build} are each other's inverse.
 */
export type Address =
  | { readonly kind: "metrics"; readonly device: DeviceId }
  /** `path` is what follows `metrics/`, as it came: `readPlace` in `messages/sample-place.ts` says what it means. */
  | { readonly kind: "simple"; readonly device: DeviceId; readonly path: string }
  | { readonly kind: "ack"; readonly device: DeviceId }
  | { readonly kind: "status"; readonly device: DeviceId }
  | { readonly kind: "task"; readonly device: DeviceId; readonly id: CommandId }
  | { readonly kind: "short"; readonly device: DeviceId }
  | { readonly kind: "reply"; readonly device: DeviceId; readonly id: CommandId }
  | { readonly kind: "refused"; readonly device: DeviceId }
  /** Where a device asks for another certificate, and where it is given one. */
  | { readonly kind: "renew"; readonly device: DeviceId }
  | { readonly kind: "certificate"; readonly device: DeviceId }
  /** What a device and the console say of a command's file. */
  | { readonly kind: "file-up"; readonly device: DeviceId; readonly id: CommandId }
  | { readonly kind: "file-down"; readonly device: DeviceId; readonly id: CommandId }
  | { readonly kind: "console" }
  | { readonly kind: "authorities" }
  | { readonly kind: "stats"; readonly name: string }
  /** An alert, as long as it is there; `id` is its own, where that can be a level: see {@link Topics.alert}. */
  | { readonly kind: "alert"; readonly id: string };

/** What a filter can be made for: a kind of address, over one device or all (`+`). */
export type AddressKind = Address["kind"];

/** Levels that mean something behind a device's id. */
const branches = new Set([
  "metrics",
  "ack",
  "status",
  "refused",
  "cmd",
  "reply",
  "renew",
  "certificate",
  "file-up",
  "file-down",
]);

/** The reserved level of the console's own topics. */
const consoleLevel = "console";

/** An alert's id, where it is a level of a topic. */
const alertLevel = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;

/** The first level of every topic, where nobody has named another. */
export const usualRoot = "muster";

export class Topics {
  /** @param root the first level (or levels) of every topic, `muster` by default */
  constructor(readonly root: string = usualRoot) {}

  build(address: Address): string {
    if (address.kind === "console") return `${this.root}/${consoleLevel}/status`;
    if (address.kind === "authorities") return `${this.root}/${consoleLevel}/ca`;
    if (address.kind === "stats") return `${this.root}/${consoleLevel}/stats/${address.name}`;
    if (address.kind === "alert") return `${this.root}/${consoleLevel}/alerts/${address.id}`;
    const base = `${this.root}/${address.device}`;
    switch (address.kind) {
      case "metrics":
      case "ack":
      case "status":
      case "refused":
      case "renew":
      case "certificate":
        return `${base}/${address.kind}`;
      case "simple":
        return `${base}/metrics/${address.path}`;
      case "task":
        return `${base}/cmd/${address.id}`;
      case "short":
        return `${base}/cmd`;
      case "reply":
        return `${base}/reply/${address.id}`;
      case "file-up":
      case "file-down":
        return `${base}/${address.kind}/${address.id}`;
    }
  }

  /** Where an alert stands; undefined where its id cannot be a level of a topic. */
  alert(id: string): string | undefined {
    return alertLevel.test(id) ? this.build({ kind: "alert", id }) : undefined;
  }

  /**
   * A topic below the root that names nothing of ours, so that no console and no agent takes it for anything: for trying out a broker.
   * @param run keeps one trial's topics apart from another's
   */
  aside(run: string, ...levels: readonly string[]): string {
    // No device's id begins so.
    return [this.root, `_check-${run}`, ...levels].join("/");
  }

  /** The address that `topic` names, or undefined where it is none of ours. */
  parse(topic: string): Address | undefined {
    if (!topic.startsWith(`${this.root}/`)) return undefined;
    const [owner = "", branch, leaf, ...rest] = topic.slice(this.root.length + 1).split("/");
    const device = owner === consoleLevel ? undefined : asDeviceId(owner);
    if (device && branch === "metrics" && leaf !== undefined)
      return { kind: "simple", device, path: [leaf, ...rest].join("/") };
    if (rest.length > 0) return undefined;
    if (owner === consoleLevel) return parseConsole(branch, leaf);
    if (!device) return undefined;
    return leaf === undefined ? parseBranch(device, branch) : parseLeaf(device, branch, leaf);
  }

  /**
   * Whether `topic` lies below the root and means nothing to Muster, nor looks as if it did: where people may have something
   * answered. {@link exampleAnswers} is such a topic.
   */
  isFree(topic: string): boolean {
    if (!topic.startsWith(`${this.root}/`) || /[+#]/.test(topic) || this.parse(topic)) return false;
    return !topic.split("/").some((level) => branches.has(level));
  }

  /** For people: where an answer may go. */
  get exampleAnswers(): string {
    return `${this.root}/answers/NAME`;
  }

  /** The subscription filter for one kind of address, of one device or of all. */
  filter(kind: AddressKind, device: DeviceId | "+" = "+"): string {
    if (kind === "console") return `${this.root}/${consoleLevel}/status`;
    if (kind === "authorities") return `${this.root}/${consoleLevel}/ca`;
    if (kind === "stats") return `${this.root}/${consoleLevel}/stats/+`;
    if (kind === "alert") return `${this.root}/${consoleLevel}/alerts/+`;
    const base = `${this.root}/${device}`;
    switch (kind) {
      case "metrics":
      case "ack":
      case "status":
      case "refused":
      case "renew":
      case "certificate":
        return `${base}/${kind}`;
      case "simple":
        // Not `metrics/#`, which is `metrics` too.
        return `${base}/metrics/+/#`;
      case "task":
        return `${base}/cmd/+`;
      case "short":
        return `${base}/cmd`;
      case "reply":
        return `${base}/reply/+`;
      case "file-up":
      case "file-down":
        return `${base}/${kind}/+`;
    }
  }
}

function parseConsole(branch: string | undefined, leaf: string | undefined): Address | undefined {
  if (branch === "status" && leaf === undefined) return { kind: "console" };
  if (branch === "ca" && leaf === undefined) return { kind: "authorities" };
  if (branch === "alerts") return leaf && alertLevel.test(leaf) ? { kind: "alert", id: leaf } : undefined;
  return branch === "stats" && leaf && /^[a-z0-9_]{1,64}$/.test(leaf) ? { kind: "stats", name: leaf } : undefined;
}

function parseBranch(device: DeviceId, branch: string | undefined): Address | undefined {
  switch (branch) {
    case "metrics":
    case "ack":
    case "status":
    case "refused":
    case "renew":
    case "certificate":
      return { kind: branch, device };
    case "cmd":
      return { kind: "short", device };
    default:
      return undefined;
  }
}

function parseLeaf(device: DeviceId, branch: string | undefined, leaf: string): Address | undefined {
  const id = asCommandId(leaf);
  if (!id) return undefined;
  if (branch === "cmd") return { kind: "task", device, id };
  if (branch === "reply" || branch === "file-up" || branch === "file-down") return { kind: branch, device, id };
  return undefined;
}
