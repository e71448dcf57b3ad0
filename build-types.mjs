// Writes dist/types/: the declarations of what the package exports, and of nothing that they do not mention.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, posix, resolve } from "node:path";

/** A module's name in a declaration: `from "…"`, or `import("…")` within a type. */
const mentioned = /(\bfrom |\bimport\(|^import )"([^"]+)"/gm;

/** @param into the directory that gets them, named in package.json's `exports` */
export function buildTypes(into) {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
  const entries = Object.values(exports).flatMap(({ types }) => (types ? [posix.relative(into, types)] : []));
  const raw = mkdtempSync(join(tmpdir(), "muster-types-"));
  try {
    const project = join(raw, "tsconfig.json");
    writeFileSync(project, JSON.stringify(projectOf(entries.map(sourceOfDeclaration), raw)));
    // The compiler's own file: npm may not have made its links when this runs.
    execFileSync(process.execPath, ["node_modules/typescript/bin/tsc", "-p", project], { stdio: "inherit" });
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
  const waiting = [...entries];
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
  // Each room that has a name of its own in package.json's `imports` is called like its directory.
  if (name.startsWith("#")) return `${name.slice(1)}.ts`;
  return name.startsWith(".") ? posix.join(posix.dirname(file), name) : undefined;
}

function declarationOf(source) {
  return source.replace(/\.ts$/, ".d.ts");
}

function sourceOfDeclaration(path) {
  return path.replace(/\.d\.ts$/, ".ts");
}

/** This project's own settings, with the files to begin from and declarations as all that is written. */
function projectOf(sources, outDir) {
  // Whether the types hold is for `npm run check` to say, and looking twice would take as long as writing.
  const emits = { noEmit: false, noCheck: true, declaration: true, emitDeclarationOnly: true };
  const compilerOptions = { ...emits, rootDir: resolve("."), outDir, typeRoots: [resolve("node_modules/@types")] };
  return {
    extends: resolve("tsconfig.json"),
    compilerOptions,
    include: [],
    files: sources.map((path) => resolve(path)),
  };
}
