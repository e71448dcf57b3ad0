import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { seatsOf, type Principal } from "#shared/principal";
import { Topics } from "#shared/topics";
import { filtersOf, rulesOf } from "../broker/access.ts";
import { startBrokerProcess, type BrokerProcess } from "./broker-process.ts";
import { freePort, startMosquitto } from "./mosquitto.ts";
import type { Scope } from "./suite.ts";

export type Account = Principal & { readonly secret: string };
/** Brokers that others wrote. Those but Mosquitto are built by `test/install-brokers`. */
export type ExternalKind = "mosquitto" | "nats" | "mochi";

/** The real broker with the rules of `docs/brokers.md` for these accounts. */
export function startExternal(scope: Scope, kind: ExternalKind, accounts: readonly Account[]): Promise<BrokerProcess> {
  if (kind === "mosquitto") return startMosquitto(scope, { accounts });
  return kind === "nats" ? startNats(scope, accounts) : startMochi(scope, accounts);
}

/** Who may read and write what, as topic filters: the table of rules for one account. */
function rightsOf({ name, role }: Principal): { read: string[]; write: string[] } {
  const opened = rulesOf(role).map((rule) => ({ may: rule.may, filters: filtersOf(rule, new Topics(), name) }));
  const all = (may: "read" | "write"): string[] =>
    opened.filter((rule) => rule.may === may).flatMap(({ filters }) => filters);
  return { read: all("read"), write: all("write") };
}

/** NATS with an account and permissions for each, which it writes as subjects. */
export async function startNats(scope: Scope, accounts: readonly Account[]): Promise<BrokerProcess> {
  const directory = await scope.directory();
  const port = await freePort();
  const users = accounts.flatMap((account) => {
    const { read, write } = rightsOf(account);
    // What is delivered at QoS 1 comes by a subject of its own, which has to be allowed as well.
    const permissions = {
      publish: { allow: write.flatMap(subjectsOf) },
      subscribe: { allow: [...read.flatMap(subjectsOf), "$MQTT.sub.>"] },
    };
    return namesOf(account).map((user) => ({ user, password: account.secret, permissions }));
  });
  const settings = {
    server_name: "muster-test",
    listen: "127.0.0.1:-1",
    jetstream: { store_dir: directory },
    mqtt: { listen: `127.0.0.1:${port}` },
    authorization: { users },
  };
  const path = join(directory, "nats.conf");
  await writeFile(path, JSON.stringify(settings, undefined, 1));
  return startBrokerProcess(scope, {
    name: "nats-server",
    command: programOf("nats-server"),
    args: ["-c", path],
    port,
  });
}

/** A filter as NATS's subjects: its levels are parted by dots, a dot in a level is `//`, and `a.>` has no `a` itself. */
function subjectsOf(filter: string): string[] {
  const subject = filter
    .split("/")
    .map((level) => (level === "+" ? "*" : level === "#" ? ">" : level.replaceAll(".", "//")))
    .join(".");
  return subject.endsWith(".>") ? [subject.slice(0, -2), subject] : [subject];
}

/** mochi with an account and rules for each. */
export async function startMochi(scope: Scope, accounts: readonly Account[]): Promise<BrokerProcess> {
  const directory = await scope.directory();
  const port = await freePort();
  const logins = accounts.flatMap((account) => namesOf(account).map((name) => ({ account, name })));
  // Of a user's own `acl` the first filter that fits decides, in no order: with `muster/#` to read and `muster/+/cmd` to write
  // it is chance whether an operator may send. Rules by user name look for a right first, and what no rule names is allowed.
  const acl = logins.map(({ account, name }) => {
    const { read, write } = rightsOf(account);
    const rights = [...new Set([...read, ...write])].map((filter) => [
      filter,
      (read.includes(filter) ? 1 : 0) + (write.includes(filter) ? 2 : 0),
    ]);
    return { username: name, filters: Object.fromEntries(rights) as Record<string, number> };
  });
  const settings = {
    listen: `127.0.0.1:${port}`,
    ledger: {
      users: Object.fromEntries(
        logins.map(({ account, name }) => [name, { username: name, password: account.secret }]),
      ),
      acl: [...acl, { filters: { "#": 0 } }],
    },
  };
  const path = join(directory, "mochi.json");
  await writeFile(path, JSON.stringify(settings, undefined, 1));
  return startBrokerProcess(scope, { name: "mochi", command: programOf("mochi"), args: [path], port });
}

function namesOf({ name, role }: Principal): string[] {
  return role === "device" || role === "console" ? [name] : seatsOf(name);
}

/** Where `test/install-brokers` puts it. */
function pathOf(name: string): string {
  return join(process.env["MUSTER_TEST_BROKERS"] ?? join(homedir(), ".cache", "muster-test"), name);
}

/** Whether both are built: for what does without them, which tests do not. */
export function othersAreBuilt(): boolean {
  return ["nats-server", "mochi"].every((name) => existsSync(pathOf(name)));
}

/** @throws Error where it is not built */
function programOf(name: string): string {
  const path = pathOf(name);
  if (!existsSync(path)) throw new Error(`there is no ${path}: run test/install-brokers`);
  return path;
}
