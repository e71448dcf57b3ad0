// Writes dist/types/: the declarations of what the package exports, and of nothing that they do not mention.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";

/** A module's name in a declaration: `from "…"`, or `import("…")` within a type. */
const mentioned = /(\bfrom |\bimport\(|^import )"([^"]+)"/gm;

/** @param into the directory that gets them @param entries the sources of the exported modules */
export function buildTypes(into, entries) {
  const raw = mkdtempSync(join(tmpdir(), "muster-types-"));
  try {
    // The compiler's own file: npm makes none of its links before this package is prepared.
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", "tsconfig.types.json", "--outDir", raw], {
      stdio: "inherit",
    });
    for (const file of reached(raw, entries)) {
      mkdirSync(dirname(join(into, file.path)), { recursive: true });
      writeFileSync(join(into, file.path), file.text);
    }
  } finally {
    rmSync(raw, { recursive: true });
  }
}

/** The declarations that the entries lead to, with names that a consumer's compiler finds: it knows neither `#shared` nor our sources. */
function reached(raw, entries) {
  const done = new Map();
  const waiting = entries.map(declarationOf);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (done.has(path)) continue;
    const text = readFileSync(join(raw, path), "utf8").replaceAll(mentioned, (all, before, name) => {
      const source = sourceOf(path, name);
      if (source === undefined) return all;
      waiting.push(declarationOf(source));
      const relative = posix.relative(posix.dirname(path), source).replace(/\.ts$/, ".js");
      return `${before}"${relative.startsWith(".") ? relative : `./${relative}`}"`;
    });
    done.set(path, { path, text });
  }
  return done.values();
}

/** The source that a name means in a file; undefined where it is a package's. */
function sourceOf(file, name) {
  if (name.startsWith("#shared/")) return `shared/${name.slice("#shared/".length)}.ts`;
  return name.startsWith(".") ? posix.join(posix.dirname(file), name) : undefined;
}

function declarationOf(source) {
  return source.replace(/\.ts$/, ".d.ts");
}
