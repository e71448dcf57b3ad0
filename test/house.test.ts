import { readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import * as assert from "uvu/assert";
import { suite } from "./suite.ts";

/** Which rooms each room may import from, besides itself, packages and `node:`. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  api: ["shared"],
  disk: ["shared"],
  broker: ["shared", "disk"],
  agent: ["shared", "disk"],
  console: ["shared", "disk", "api"],
  sim: ["shared"],
  // What it makes, the others are given.
  tls: ["shared", "disk"],
  // It lays out what runs on other machines.
  flash: ["shared", "disk", "agent"],
  // The faces ask the console over HTTP, as anybody's program does.
  web: ["shared", "api"],
  cli: ["shared", "api"],
  // They alone compose, and are known to the list of verbs alone.
  commands: ["shared", "disk", "api", "broker", "agent", "console", "sim", "tls", "flash", "cli"],
};

/** One package, one home: where each may be imported. */
const homes: Readonly<Record<string, RegExp>> = {
  aedes: /^broker\//,
  ws: /^broker\//,
  systeminformation: /^agent\/collectors\//,
  "cbor-x": /^shared\/codec\.ts$/,
  influx: /^console\/store\//,
  // One keeps a connection up, one looks at what a broker makes of a single one, and one has the names of its reasons.
  mqtt: /^shared\/(link|link-publisher|link-subscriptions|wire-count|keep-alive|probe|connection-failures)\.ts$/,
  "mqtt-packet": /^(sim\/|broker\/lean-client\.ts$)/,
  bl: /^broker\/lean-client\.ts$/,
  "@photostructure/sqlite": /^console\/database\/database\.ts$/,
  croner: /^console\/schedules\/cron-times\.ts$/,
  uqr: /^console\/enrollments\//,
  fastify: /^console\/http\//,
  commander: /^shared\/commandline\.ts$/,
  "eventsource-parser": /^api\/caller\.ts$/,
  "@peculiar/x509": /^tls\/issuing\.ts$/,
  "reflect-metadata": /^tls\/issuing\.ts$/,
  "openid-client": /^console\/provider\/identity-provider\.ts$/,
  nodemailer: /^console\/notifications\/kinds\/email\.ts$/,
  yaml: /^(flash\/boot\/first-boot|cli\/rules-text)\.ts$/,
  "smol-toml": /^shared\/settings-file\.ts$/,
};

const rooms = ["shared", "api", "disk", "broker", "agent", "console", "sim", "tls", "flash", "web", "cli", "commands"];
/** What only measures and tries the rooms. */
const benches = ["attack", "bench", "chaos", "grafana", "examples"];
/** What the package exports: they pass on what their users need to name, and stand in for its homes. No other file passes anything on. */
const faces = new Set(["agent/agent.ts", "api/client.ts", "console/console.ts"]);
const drawers = /(^|\/)(utils?|helpers?|misc|common|types)\.tsx?$/;

/** A number in a text or on the page, with a noun of which there are several. */
const aCount =
  /\{(?!\.\.\.)[^{}\n]+\} (devices|machines|messages|commands|samples|batches|points|entries|rows|codes|files|names|groups|jobs|places|records|lines|sessions|tokens|agents|canaries)\b(?!=)/g;
/** Where it is a bound, of which none is one. */
const aBound = /max|most|cap\.|Cap|limit|largest|farthest|size|entries} entries|defaultFile|\{unreleased\}/i;

suite("house", ({ test }) => {
  const files = ["muster.ts", ...rooms.flatMap((room) => sources(room))];
  const imports = files.flatMap((file) => importsOf(file).map((target) => ({ file, target })));

  test("a room imports shared, what it may of the others, packages and node, never another room", () => {
    const wrong = imports.filter(({ file, target }) => {
      const from = roomOf(file);
      const to = roomOf(resolve(file, target));
      return from !== undefined && to !== undefined && from !== to && !mayImport[from]?.includes(to);
    });
    assert.equal(wrong, []);
  });

  test("muster.ts is the list of verbs, and knows nothing else", () => {
    const wrong = imports.filter(({ file, target }) => {
      const to = resolve(file, target);
      return file === "muster.ts" && !/^(commands\/[a-z-]+|shared\/(commandline|version))\.ts$/.test(to);
    });
    assert.equal(wrong, []);
  });

  test("of the console, its HTTP doors alone know the HTTP contract", () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        roomOf(file) === "console" && roomOf(resolve(file, target)) === "api" && !file.startsWith("console/http/"),
    );
    assert.equal(wrong, []);
  });

  test("the agent's metrics and commands know nothing of each other", () => {
    const parts = /^agent\/(metrics|commands)\//;
    const wrong = imports.filter(({ file, target }) => {
      const [from, to] = [parts.exec(file)?.[1], parts.exec(resolve(file, target))?.[1]];
      return from !== undefined && to !== undefined && from !== to;
    });
    assert.equal(wrong, []);
  });

  test("no two rooms of the console import each other, not even a type; one more would be found", () => {
    const all = imports.map(({ file, target }) => [file, resolve(file, target)] as const);
    assert.equal(mutual(all), []);
    const [desk, devices] = ["console/desk/desk.ts", "console/devices/device.ts"];
    assert.equal(mutual([...all, [devices, desk]]), [`desk, devices: ${devices} imports ${desk}`]);
    assert.equal(mutual([...all, ["console/state/state.ts", "console/console.ts"]]).length, 1);
  });

  test("a route is served by the contract alone", () => {
    const wrong = files.filter(
      (file) =>
        file.startsWith("console/http/routes/") &&
        /\bapp\.(get|post|put|delete|patch|all)\(|from "zod|app\.route\(\{(?! \.\.\.served|\s+\.\.\.served)/.test(
          readFileSync(file, "utf8"),
        ),
    );
    assert.equal(wrong, []);
  });

  test("a route knows the part that it serves, and of the console's own code only hand-out.ts knows the whole", () => {
    const wrong = imports.filter(
      ({ file, target }) =>
        resolve(file, target) === "console/console.ts" &&
        file.startsWith("console/") &&
        !["console/http/server.ts", "console/http/hand-out.ts"].includes(file),
    );
    assert.equal(wrong, []);
  });

  test("the command line and the page ask the console by its client", () => {
    const wrong = files.filter(
      (file) =>
        /^(cli|web)\//.test(file) &&
        file !== "web/state/page-client.ts" &&
        /\bfetch\(|\bEventSource\(/.test(readFileSync(file, "utf8")),
    );
    assert.equal(wrong, []);
  });

  test("a package is imported in its home alone", () => {
    const wrong = imports.filter(({ file, target }) => {
      const home = homes[packageOf(target)];
      return home && !home.test(file);
    });
    assert.equal(wrong, []);
  });

  test("a file is named for what it does", () => {
    assert.equal(
      files.filter((file) => drawers.test(file)),
      [],
    );
  });

  test("a file's name stands once: a search for it finds its thing", () => {
    assert.equal(moreThanOnce(files.filter((file) => !isVerb(file)).map((file) => [bare(file), file])), []);
  });

  test("an exported name stands once, but for what a face passes on", () => {
    const named = files
      .filter((file) => !isVerb(file))
      .flatMap((file) => exportsOf(file).map((name) => [name, file] as const));
    assert.equal(moreThanOnce(named), []);
    const passing = files.filter(
      (file) => !faces.has(file) && /^export [^;]*? from "/m.test(readFileSync(file, "utf8")),
    );
    assert.equal(passing, []);
  });

  test("a count agrees with its noun: what may be one is written by counted()", () => {
    const wrong = files.flatMap((file) =>
      [...readFileSync(file, "utf8").matchAll(aCount)].map(([text]) => `${file}: ${text}`),
    );
    assert.equal(
      // The page's texts have a form for each number of `{count}`.
      wrong.filter((text) => !aBound.test(text) && !/^web\/.*: \{count\}/.test(text)),
      [],
    );
  });

  test("topics are built in one module", () => {
    const wrong = files.filter(
      (file) => file !== "shared/topics.ts" && /[`'"](muster|\$\{[a-z]*[rR]oot\})\//.test(readFileSync(file, "utf8")),
    );
    assert.equal(wrong, []);
  });

  test("nothing loops: no module imports itself through others, not even a type", () => {
    const all = [...files, ...benches.flatMap((room) => sources(room))];
    const graph = new Map(all.map((file) => [file, importsOf(file).map((target) => resolve(file, target))]));
    assert.equal(findCycle(graph), undefined);
  });
});

function sources(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name) && !isTestOnly(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Tests, and what only tests use, may look into any room. */
function isTestOnly(name: string): boolean {
  return /\.test\.tsx?$/.test(name) || name === "fixture.ts" || name === "testing.ts";
}

function importsOf(file: string): string[] {
  const text = readFileSync(file, "utf8");
  const pattern =
    /^\s*(?:import|export)\s+(?:type\s+)?[^"';]*?from\s+"([^"]+)"|import\("([^"]+)"\)|^import\s+"([^"]+)"/gm;
  return [...text.matchAll(pattern)].map(([, from, dynamic, bare]) => from ?? dynamic ?? bare ?? "");
}

/** A verb's file and function have the verb's name, which is mostly that of the part that it starts or shows. */
function isVerb(file: string): boolean {
  return /^commands\/[^/]+$/.test(file);
}

function bare(file: string): string {
  return posix.basename(file).replace(/\.tsx?$/, "");
}

/** What the file itself makes and exports. */
function exportsOf(file: string): string[] {
  const pattern =
    /^export (?:default )?(?:abstract )?(?:async )?(?:const|let|function\*?|class|interface|type|enum) (\w+)/gm;
  return [...readFileSync(file, "utf8").matchAll(pattern)].map(([, name]) => name ?? "");
}

function moreThanOnce(named: readonly (readonly [name: string, file: string])[]): string[] {
  const places = new Map<string, string[]>();
  for (const [name, file] of named) places.set(name, [...(places.get(name) ?? []), file]);
  return [...places].filter(([, where]) => where.length > 1).map(([name, where]) => `${name}: ${where.join(", ")}`);
}

function resolve(file: string, target: string): string {
  if (/^#(shared|disk|api)\//.test(target)) return `${target.slice(1)}.ts`;
  return target.startsWith(".") ? posix.normalize(posix.join(posix.dirname(file), target)) : "";
}

function roomOf(path: string): string | undefined {
  const [room = ""] = path.split("/");
  return rooms.includes(room) ? room : undefined;
}

/** A room of the console: a directory in it, or a file that stands in none. */
function consoleRoomOf(path: string): string | undefined {
  return /^console\/([^/]+)/.exec(path)?.[1];
}

/** Rooms of the console that import each other, each pair once, with an import of the way that fewer go. */
function mutual(imports: readonly (readonly [from: string, to: string])[]): string[] {
  const ways = new Map<string, string[]>();
  for (const [from, to] of imports) {
    const [a, b] = [consoleRoomOf(from), consoleRoomOf(to)];
    if (a === undefined || b === undefined || a === b) continue;
    ways.set(`${a} ${b}`, [...(ways.get(`${a} ${b}`) ?? []), `${from} imports ${to}`]);
  }
  return [...ways].flatMap(([way, there]) => {
    const [a = "", b = ""] = way.split(" ");
    const back = ways.get(`${b} ${a}`);
    if (a > b || !back) return [];
    return [`${a}, ${b}: ${(there.length < back.length ? there : back)[0]}`];
  });
}

function packageOf(target: string): string {
  const parts = target.split("/");
  return target.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? "");
}

function findCycle(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const visit = (file: string, path: string[]): string[] | undefined => {
    if (path.includes(file)) return [...path.slice(path.indexOf(file)), file];
    if (done.has(file)) return undefined;
    done.add(file);
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...path, file]);
      if (cycle) return cycle;
    }
    return undefined;
  };
  for (const file of graph.keys()) {
    const cycle = visit(file, []);
    if (cycle) return cycle;
  }
  return undefined;
}
