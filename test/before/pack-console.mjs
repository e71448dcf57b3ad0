// Packs the console of a tree into one file, for the version after it to be tested against: node test/before/pack-console.mjs TREE [FILE]
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { rolldown } from "rolldown";

const [tree = ".", file = "test/before/console.json.br"] = process.argv.slice(2);
const programs = {
  muster: "muster.ts",
  reader: "console/store/reader.ts",
  checkpointer: "console/database/checkpointer.ts",
};

const bundle = await rolldown({
  cwd: tree,
  input: Object.fromEntries(Object.entries(programs).filter(([, path]) => existsSync(join(tree, path)))),
  platform: "node",
  // Packages are those of whoever tests.
  external: (id) => !/^[.#/]/.test(id) && !/^(muster|console\/)/.test(id),
  resolve: { extensions: [".ts"] },
  logLevel: "warn",
});
const { output } = await bundle.generate({
  format: "esm",
  minify: true,
  entryFileNames: "[name].js",
  chunkFileNames: "chunks/[name]-[hash].js",
});
await bundle.close();
const files = Object.fromEntries(output.map(({ fileName, code }) => [`dist/${fileName}`, code]));
files["package.json"] = readFileSync(join(tree, "package.json"), "utf8");
const text = JSON.stringify(files);
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_LGWIN]: 24 };
writeFileSync(file, brotliCompressSync(text, { params }));
