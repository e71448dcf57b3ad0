// Builds the agent with everything it needs into one file, dist/muster-agent.cjs: a device needs nothing beside it but Node.
import { createRequire } from "node:module";
import { brotliCompressSync, constants } from "node:zlib";
import { rolldown } from "rolldown";

/** What packages bring along and an agent on Node does without; each costs memory in every agent, if only by being read. */
const replaced = {
  // mqtt.js tells this library what it does, a hundred times a connection; nobody listens.
  debug: "const quiet = () => {}; quiet.enabled = false; module.exports = () => quiet;",
  // For browsers alone.
  "worker-timers": "",
  // For proxies alone, which Muster has no setting for.
  socks: "",
  // The same streams as Node's own, once more.
  "readable-stream": `module.exports = require("node:stream");`,
  // A native part of cbor-x, which the file cannot hold; cbor-x goes on without it.
  "cbor-extract": "module.exports = undefined;",
  // Zod's sentences in fifty languages. Ours come from its English one, which is imported by itself.
  "../locales/index.js": "export {};",
  // For topics' aliases, which nothing here sends; with MQTT 5 one is made all the same.
  "lru-cache": "exports.LRUCache = class extends Map { constructor() { super(); } };",
  // mqtt.js asks it for its own version, of which only its log would tell.
  "../../package.json": '{"version":""}',
  // Proxies once more: mqtt.js's own part of them.
  "./socks": "exports.default = () => { throw new Error('the agent goes through no SOCKS proxy'); };",
  // mqtt.js loads it for every connection; here the first one to ws:// or wss:// does.
  ws: `
    module.exports = function WebSocket(...args) { return new (require("packed:ws").WebSocket)(...args); };
    module.exports.createWebSocketStream = (...args) => require("packed:ws").createWebSocketStream(...args);`,
};

/**
 * Packages that few agents ever need, and what is taken of them: executables with arguments load `zod`, systems other than Linux
 * `systeminformation`. As plain text in the file they would cost every agent 10 MB, for V8 reads through all of it and keeps it.
 */
const packed = {
  zod: `export { fromJSONSchema } from "zod";`,
  systeminformation: `module.exports = require("systeminformation");`,
  ws: `module.exports = require("ws");`,
};

/** What systeminformation knows beyond what an agent asks it. */
const unasked = /^\.\/(audio|battery|bluetooth|docker|graphics|internet|printer|usb|users|virtualbox|wifi)$/;

/** Parts of Node that few agents ever need, or late: each is some hundred kB of memory, and is loaded when something of it is asked for. */
const late = /^(node:)?(child_process|crypto|fs\/promises|http|https|module|readline|tls|vm|worker_threads|zlib)$/;

const prefix = "\0muster:";

const replace = {
  name: "replace-packages",
  resolveId(id, importer) {
    if (id in replaced || id.startsWith("packed:")) return prefix + id;
    // What stands for a package has no place on the disk.
    if (importer?.startsWith(prefix)) return { id, external: true };
    if (id in packed) return `${prefix}packed:${id}`;
    if (late.test(id)) return `${prefix}late:${id}`;
  },
  load(id) {
    if (id.startsWith(`${prefix}packed:`)) return pack(id.slice(`${prefix}packed:`.length));
    if (id.startsWith(`${prefix}late:`)) return lateModule(id.slice(`${prefix}late:`.length));
    if (id.startsWith(prefix)) return replaced[id.slice(prefix.length)];
  },
};

/** A module that has the names of one of Node's, and loads that when one of them is read. */
function lateModule(name) {
  const own = name.endsWith("crypto") ? fewRandomBytes : "";
  const names = Object.keys(createRequire(import.meta.url)(name)).filter((one) => !own.includes(`exports.${one} =`));
  return `
    ${own}
    for (const name of ${JSON.stringify(names)})
      Object.defineProperty(exports, name, { enumerable: true, configurable: true, get: () => require("${name}")[name] });`;
}

/** Every start makes ids of a few random bytes. They come from the kernel, as OpenSSL's do: for them alone an agent would load all of node:crypto, 2 MB. */
const fewRandomBytes = `
    const { closeSync, openSync, readSync } = require("node:fs");
    exports.randomBytes = (size, done) => {
      if (done === undefined && size <= 64 && process.platform === "linux")
        try {
          const file = openSync("/dev/urandom", "r");
          try {
            const bytes = Buffer.alloc(size);
            if (readSync(file, bytes) === size) return bytes;
          } finally {
            closeSync(file);
          }
        } catch {}
      return require("node:crypto").randomBytes(size, done);
    };`;

/** What goes into a pack: the package itself, without what is left out everywhere. */
const inside = {
  name: "inside-a-pack",
  resolveId(id) {
    if (id.startsWith(`${prefix}entry:`) || id === "../locales/index.js") return id;
    if (unasked.test(id)) return `${prefix}unasked`;
  },
  load(id) {
    if (id.startsWith(`${prefix}entry:`)) return packed[id.slice(`${prefix}entry:`.length)];
    if (id === "../locales/index.js") return replaced[id];
    if (id === `${prefix}unasked`) return "module.exports = {};";
  },
};

/** A module that holds a package compressed, as text, and becomes the package when it is loaded. */
async function pack(name) {
  const bundle = await rolldown({ input: `${prefix}entry:${name}`, platform: "node", plugins: [inside] });
  const { output } = await bundle.generate({ format: "cjs", minify: true, codeSplitting: false, exports: "named" });
  await bundle.close();
  return `
    const { createRequire } = require("node:module");
    const source = require("node:zlib").brotliDecompressSync(Buffer.from("${compressed(output[0].code)}", "base64"));
    const parameters = ["module", "exports", "require"];
    const run = require("node:vm").compileFunction(source.toString(), parameters, { filename: "${name}" });
    run(module, exports, createRequire(__filename));`;
}

/** A window as small as the text: the reader of a larger one takes its memory for nothing. */
function compressed(text) {
  const params = {
    [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT,
    [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
    [constants.BROTLI_PARAM_LGWIN]: 19,
    [constants.BROTLI_PARAM_SIZE_HINT]: Buffer.byteLength(text),
  };
  return brotliCompressSync(text, { params }).toString("base64");
}

/** The oldest Node that the agent runs on, as Debian 12, Raspberry Pi OS bookworm and Ubuntu 24.04 have it at least. */
const floor = { major: 18, minor: 19 };

/**
 * What any Node can read, down to those that would only show a syntax error: below the floor it ends with a sentence. The agent
 * itself comes behind it, compressed, in a comment: V8 keeps the text of a file for as long as one of its functions lives, and this
 * way it keeps that of the agent once.
 */
function guarded(code) {
  const lines = [
    `"use strict";`,
    `var node = process.versions.node.split(".");`,
    `if (+node[0] < ${floor.major} || (+node[0] === ${floor.major} && +node[1] < ${floor.minor})) {`,
    `  process.stderr.write("muster: the agent needs Node ${floor.major}.${floor.minor} or newer, and this is " + process.versions.node + "\\n");`,
    `  process.exit(1);`,
    `}`,
    // See agent/small-heap.ts: unpacking and reading the text would have let the heap grow already.
    `require("v8").setFlagsFromString("--semi-space-growth-factor=1");`,
    `var packed = require("fs").readFileSync(__filename, "latin1").split("\\n/" + "*")[1];`,
    `var text = require("zlib").brotliDecompressSync(Buffer.from(packed.slice(0, packed.indexOf("*")), "base64")).toString("latin1");`,
    `var names = ["exports", "require", "module", "__filename", "__dirname", "performance"];`,
    // Node's own loads all that measures performance, 0.9 MB, and is asked for nothing but the time here.
    `var began = process.hrtime();`,
    `var performance = { now() { var t = process.hrtime(began); return t[0] * 1e3 + t[1] / 1e6; } };`,
    `require("vm").compileFunction(text, names, { filename: __filename })(exports, require, module, __filename, __dirname, performance);`,
    `/*${compressed(code)}*/`,
  ];
  return `${lines.join("\n")}\n`;
}

/** One character beyond Latin-1 makes V8 keep two bytes for every character of the file. */
const finish = {
  name: "ascii-and-guard",
  generateBundle(_, bundle) {
    for (const chunk of Object.values(bundle)) {
      chunk.code = guarded(chunk.code.replaceAll(/[^\0-\x7f]/g, escaped));
    }
  },
};

function escaped(unit) {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
}

export async function buildAgent() {
  const bundle = await rolldown({
    input: "agent/program.ts",
    platform: "node",
    plugins: [replace, finish],
    logLevel: "warn",
    // Compressing is what takes the time.
    checks: { pluginTimings: false },
  });
  // CommonJS, so that the file says what it is wherever it lies, without a package.json beside it.
  await bundle.write({
    file: "dist/muster-agent.cjs",
    format: "cjs",
    minify: true,
    comments: false,
    codeSplitting: false,
  });
  await bundle.close();
}
