// The software bill of materials beside the build: what is shipped besides our own code, as CycloneDX.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

/**
 * Writes the bill of the lock file. It says the same for each build of the same sources: no moment, no serial number, not the name of
 * the directory, nor which of the packages for other systems happen to be installed.
 */
export async function buildSbom(path) {
  // `--omit=dev`, the default under NODE_ENV=production, leaves out what a tool of development needs as well (npm 10 and 11):
  // smol-toml and zod are ours too.
  const asked = ["sbom", "--sbom-format=cyclonedx", "--package-lock-only", "--include=dev"];
  const { stdout } = await promisify(execFile)("npm", asked, { maxBuffer: 64 * 1024 * 1024 });
  const { serialNumber: _, metadata, components, dependencies, ...bill } = JSON.parse(stdout);
  const { timestamp: __, component, ...rest } = metadata;
  const { name } = JSON.parse(readFileSync("package.json", "utf8"));
  const shipped = components.filter(({ properties = [] }) => !properties.some(isForDevelopment));
  const refs = new Set([component, ...shipped].map((one) => one["bom-ref"]));
  const told = {
    ...bill,
    metadata: { ...rest, component: { ...component, name } },
    components: shipped,
    dependencies: dependencies
      .filter(({ ref }) => refs.has(ref))
      .map(({ ref, dependsOn }) => ({ ref, dependsOn: dependsOn.filter((one) => refs.has(one)) })),
  };
  writeFileSync(path, `${JSON.stringify(told, undefined, 2)}\n`);
}

function isForDevelopment({ name, value }) {
  return name === "cdx:npm:package:development" && value === "true";
}
