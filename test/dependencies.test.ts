import { readFileSync } from "node:fs";
import * as assert from "uvu/assert";
import { runProgram } from "./programs.ts";
import { suite } from "./suite.ts";

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly integrity?: string;
  readonly resolved?: string;
  readonly dev?: boolean;
  readonly hasInstallScript?: boolean;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly allowScripts: Readonly<Record<string, boolean>>;
}

interface Sbom {
  readonly bomFormat: string;
  readonly specVersion: string;
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } };
  readonly components: readonly {
    readonly name: string;
    readonly version: string;
    readonly purl: string;
    readonly licenses?: readonly unknown[];
    readonly hashes?: readonly { readonly alg: string }[];
  }[];
}

const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
  packages: Readonly<Record<string, Locked>>;
};
const locked = Object.entries(packages).filter(([path]) => path !== "");
const shipped = locked.filter(([, { dev }]) => dev !== true);

/** Licences that ask for no more than their own text beside the program. */
const permissive = new Set([
  "MIT",
  "MIT-0",
  "ISC",
  "0BSD",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "BlueOak-1.0.0",
]);

suite("dependencies", ({ test }) => {
  test("what is shipped has a permissive licence", () => {
    const others = shipped.filter(([, { license }]) => license === undefined || !permissive.has(license));
    assert.equal(
      others.map(([path, { license }]) => [path, license]),
      [],
    );
  });

  test("every version is exact, and every file has its hash and no host of a registry", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      assert.match(version, /^\d+\.\d+\.\d+$/, name);
      assert.is(packages[`node_modules/${name}`]?.version, version, name);
    }
    for (const [path, { integrity, resolved }] of locked) {
      assert.match(integrity ?? "", /^sha512-/, path);
      assert.is(resolved, undefined, path);
    }
  });

  test("no package runs a script when it is installed", () => {
    const withScripts = locked.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    const names = withScripts.map(([path]) => path.split("node_modules/").at(-1) ?? "");
    assert.equal([...new Set(names)].toSorted(), Object.keys(manifest.allowScripts).toSorted());
    assert.ok(Object.values(manifest.allowScripts).every((allowed) => !allowed));
  });

  test(
    "known advisories: none of high severity, as far as the registry tells",
    async () => {
      const { code, out, err } = await runProgram("npm", ["audit", "--omit=dev", "--audit-level=high", "--json"], {
        seconds: 60,
      });
      const told = parsed(out);
      // Without the network, or from a registry that keeps no advisories, there is nothing to be had.
      if (told?.metadata === undefined)
        return console.log(`no advisories to be had here: ${firstLine(told?.message ?? err)}`);
      assert.is(code, 0, out.slice(0, 4_000));
    },
    { seconds: 70 },
  );

  test("the bill of materials beside the build names everything that is shipped, and nothing else", () => {
    const text = readFileSync("dist/sbom.json", "utf8");
    const bill = JSON.parse(text) as Sbom;
    assert.equal([bill.bomFormat, bill.metadata.component.name], ["CycloneDX", "muster"]);
    assert.not(/"timestamp"|"serialNumber"/.test(text), "two of the same build are the same");
    const named = bill.components.map(({ name, version }) => `${name}@${version}`);
    const wanted = shipped.map(([path, { version }]) => `${path.split("node_modules/").at(-1)}@${version}`);
    assert.equal(named.toSorted(), [...new Set(wanted)].toSorted());
    for (const { name, licenses, hashes, purl } of bill.components)
      assert.ok(licenses?.length && hashes?.length && purl.startsWith("pkg:npm/"), name);
  });
});

function parsed(text: string): { readonly metadata?: unknown; readonly message?: string } | undefined {
  try {
    return JSON.parse(text) as { metadata?: unknown; message?: string };
  } catch {
    return undefined;
  }
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}
