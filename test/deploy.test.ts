import { existsSync, readFileSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { settings } from "#shared/settings";
import { generateSecret } from "#shared/password";
import * as assert from "uvu/assert";
import { parse } from "yaml";
import { readSecret } from "../console/accounts/secrets.ts";
import { startInflux, type InfluxServer } from "./influx.ts";
import { freePort } from "./mosquitto.ts";
import { runProgram, Running } from "./programs.ts";
import { eventually, suite, type Scope } from "./suite.ts";

interface Service {
  readonly image: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
}

interface Compose {
  readonly services: Readonly<Record<"accounts" | "mosquitto" | "influxdb" | "console" | "grafana", Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync("deploy/compose.yaml", "utf8");
const { services, volumes } = parse(text, { merge: true }) as Compose;
const wanted = [...readFileSync("deploy/env.example", "utf8").matchAll(/^([A-Z_]+)=$/gm)].map(([, name]) => name ?? "");
const secrets = Object.fromEntries(wanted.map((name) => [name, generateSecret()]));

/** A service's variables, as compose fills them in, moved from the container to a directory. */
function environment(service: Service, directory: string, moved: Readonly<Record<string, string>>): NodeJS.ProcessEnv {
  const fill = (value: string): string => {
    const filled = value.replaceAll(/\$\{(\w+):\?[^}]*\}/g, (_, name: string) => secrets[name] ?? "");
    return Object.entries(moved).reduce((made, [from, to]) => made.replace(from, to), filled);
  };
  const entries = Object.entries(service.environment ?? {}).map(([name, value]) => [name, fill(value)]);
  return { ...Object.fromEntries(entries), MUSTER_DATA: join(directory, "data") };
}

suite("deploy/compose.yaml", ({ test }) => {
  test("what it mounts is there, and every volume is declared", () => {
    for (const [name, service] of Object.entries(services)) {
      for (const mount of service.volumes ?? []) {
        const [from = ""] = mount.split(":");
        if (from.startsWith(".")) assert.ok(existsSync(join("deploy", from)), `${name}: ${mount}`);
        else assert.ok(from in volumes, `${name}: ${mount}`);
      }
    }
    for (const file of ["Dockerfile", "Dockerfile.dockerignore", "env.example"])
      assert.ok(existsSync(join("deploy", file)), file);
  });

  test("Muster's variables are settings, and every secret must be given: none has a default", () => {
    const known = new Set<string>(Object.values(settings).map(({ env }) => env));
    for (const { environment: variables = {} } of [services.accounts, services.console])
      assert.equal(
        Object.keys(variables).filter((name) => !known.has(name)),
        [],
      );
    const required = [...text.matchAll(/\$\{(\w+):\?/g)].map(([, name]) => name);
    assert.equal([...new Set(required)].toSorted(), wanted.toSorted());
    const optional = [...text.matchAll(/\$\{(\w+)(?!:\?)\W/g)]
      .map(([, name = ""]) => name)
      .filter((name) => !wanted.includes(name));
    for (const name of optional) assert.match(name, /_ADDRESS$/);
    for (const service of Object.values(services)) {
      for (const [name, value] of Object.entries(service.environment ?? {}))
        if (name.endsWith("PASSWORD")) assert.match(value, /^\$\{\w+:\?[^}]+\}$/, name);
    }
  });

  test("nothing is anonymous, and only this machine reaches the ports", () => {
    assert.match(readFileSync("mosquitto.conf", "utf8"), /^allow_anonymous false$/m);
    assert.is(services.influxdb.environment?.["INFLUXDB_HTTP_AUTH_ENABLED"], "true");
    assert.is(services.grafana.environment?.["GF_AUTH_ANONYMOUS_ENABLED"], "false");
    assert.is(services.influxdb.ports, undefined);
    const ports = Object.values(services).flatMap(({ ports: own = [] }) => own);
    for (const port of ports) assert.match(port, /^\$\{\w+_ADDRESS:-127\.0\.0\.1\}:\d+:\d+$/);
  });

  test("compose can fill it in: a dollar that is none of its own is written twice", () => {
    const left = text.replaceAll(/\$\$|\$\{\w+(:[?-][^}]*)?\}/g, "");
    assert.not(left.includes("$"));
    for (const service of Object.values(services)) {
      for (const word of [...(service.command ?? []), ...(service.healthcheck?.test ?? [])])
        assert.type(word, "string");
    }
  });

  test("each server is watched and starts again; images are pinned, by version for people and by digest for machines", () => {
    for (const [name, { restart, healthcheck, image }] of Object.entries(services)) {
      if (name === "accounts") continue;
      assert.ok(restart === "unless-stopped" && healthcheck, name);
      assert.match(image, /^muster$|:\d+\.\d+\.\d+(-[a-z]+)?@sha256:[0-9a-f]{64}$/, name);
    }
    const bases = [...readFileSync("deploy/Dockerfile", "utf8").matchAll(/^FROM (\S+)/gm)].map(([, base = ""]) => base);
    for (const base of bases) assert.match(base, /^node:22\.\d+\.\d+-bookworm-slim@sha256:[0-9a-f]{64}$/);
    assert.is(new Set(bases).size, 1);
  });

  test("Grafana's data source finds its variables, and the dashboards their folder", () => {
    const source = readFileSync("grafana/provisioning/datasources/muster.yaml", "utf8");
    const names = [...source.matchAll(/: \$(\w+)/g)].map(([, name = ""]) => name);
    assert.is(names.length, 3);
    for (const name of names) assert.ok(name in (services.grafana.environment ?? {}), name);
    const { providers } = parse(readFileSync("grafana/provisioning/dashboards/muster.yaml", "utf8")) as {
      providers: { options: { path: string } }[];
    };
    assert.ok(services.grafana.volumes?.includes(`../grafana/dashboards:${providers[0]?.options.path}:ro`));
  });
});

/** What InfluxDB's image makes of its variables when its volume is new. */
async function influxdb(scope: Scope): Promise<InfluxServer> {
  const { INFLUXDB_ADMIN_PASSWORD: password = "" } = secrets;
  const influx = await startInflux(scope, { auth: { user: "admin", password } });
  await influx.shell(
    `CREATE DATABASE muster;
     CREATE USER muster WITH PASSWORD '${secrets["INFLUXDB_MUSTER_PASSWORD"]}'; GRANT ALL ON muster TO muster;
     CREATE USER grafana WITH PASSWORD '${secrets["INFLUXDB_GRAFANA_PASSWORD"]}'; GRANT READ ON muster TO grafana`,
    { database: "" },
  );
  return influx;
}

/** The shipped mosquitto.conf, changed and run by the compose file's own command. */
async function mosquitto(scope: Scope, directory: string): Promise<number> {
  const port = await freePort();
  await copyFile("mosquitto.conf", join(directory, "mosquitto.conf"));
  if (process.getuid?.() === 0) {
    // In its container it is the user whose files it reads.
    const shipped = await readFile("mosquitto.conf", "utf8");
    await writeFile(join(directory, "mosquitto.conf"), shipped.replace(/^#user root$/m, "user root"));
  }
  const [command = ""] = services.mosquitto.command ?? [];
  const moved = command
    .replaceAll("$$", "$")
    .replace("/listener 1883/", `/listener ${port} 127.0.0.1/`)
    .replaceAll("/tmp/mosquitto.conf", join(directory, "moved.conf"));
  const running = new Running(scope, "sh", ["-c", `cd ${directory} && ${moved}`]);
  await eventually("Mosquitto", async () => {
    if (running.child.exitCode !== null) throw new Error(`it ended: ${running.lines.join("\n")}`);
    const secret = readSecret(join(directory, "data"), "server") ?? "";
    const login = ["-h", "127.0.0.1", "-p", String(port), "-u", "server", "-P", secret];
    return (await runProgram("mosquitto_pub", [...login, "-t", "muster/server/reply/1", "-n"])).code === 0;
  });
  return port;
}

suite("deploy/compose.yaml without containers", ({ test }) => {
  test(
    "accounts, Mosquitto, InfluxDB and the console come up with its commands, variables and rights, and are healthy",
    async (scope) => {
      const directory = await scope.directory();
      const tsx = ["--import", "tsx", "muster.ts"];
      const { accounts, console } = services;
      const made = await runProgram(process.execPath, [...tsx, ...(accounts.command ?? [])], {
        env: environment(accounts, directory, {}),
      });
      assert.is(made.code, 0, made.err);
      const [influx, mqttPort, httpPort] = [await influxdb(scope), await mosquitto(scope, directory), await freePort()];
      const env = environment(console, directory, {
        "influxdb:8086": `127.0.0.1:${influx.port}`,
        "mosquitto:1883": `127.0.0.1:${mqttPort}`,
        "0.0.0.0": "127.0.0.1",
        "3000": String(httpPort),
      });
      const running = new Running(scope, process.execPath, [...tsx, ...(console.command ?? [])], { env });
      await running.line(/console listens at/);
      const [, ...check] = console.healthcheck?.test ?? [];
      const probe = check.map((word) => word.replace(":3000/", `:${httpPort}/`));
      await eventually("a healthy console", async () => (await runProgram(probe[0] ?? "", probe.slice(1))).code === 0);
      const asGrafana = async (path: string, init?: RequestInit): Promise<number> => {
        const login = new URLSearchParams({
          u: "grafana",
          p: secrets["INFLUXDB_GRAFANA_PASSWORD"] ?? "",
          db: "muster",
        });
        return (await fetch(`${influx.url}${path}?${login.toString()}&q=SHOW+MEASUREMENTS`, init)).status;
      };
      assert.equal(
        [await asGrafana("/query"), await asGrafana("/write", { method: "POST", body: "x y=1" })],
        [200, 403],
      );
    },
    { seconds: 40 },
  );
});
