import { createServer } from "node:http";
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { musterProgram, runProgram } from "../../test/programs.ts";
import { must, type Case } from "../case.ts";
import type { Place } from "../place.ts";

/** Files of the machine that a setting, a directory or a stranger could reach. */
export const machine: Case = {
  name: "machine",
  tries: "a socket's path that is a file, a planted muster.toml, files that others may read, /healthz for strangers",
  async run({ place }) {
    await planted(place);
    await socketPath(place);
    const open = await readable(place.data);
    must(open.length === 0, `others may read ${open.join(", ")}`);
    const { text } = await place.ask("/healthz");
    must(!/version|"store"|problem|127\.0\.0\.1/.test(text), `/healthz tells strangers ${text.slice(0, 200)}`);
    return "a file, a planted muster.toml, modes, /healthz";
  },
};

/** A directory somebody else has prepared: the administrator's token must not go to where its muster.toml points. */
async function planted(place: Place): Promise<void> {
  const directory = join(place.directory, "planted");
  await mkdir(directory);
  const tokens: string[] = [];
  const thief = createServer((request, response) => {
    tokens.push(request.headers.authorization ?? "none");
    response.end("{}");
  });
  await new Promise<void>((resolve) => thief.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = thief.address() as AddressInfo;
    // To the system an address of this machine, to the command line any other host.
    await writeFile(join(directory, "muster.toml"), `url = "http://0.0.0.0:${port}"\n`, { mode: 0o600 });
    const [program, args] = musterProgram(["devices"]);
    const root = process.cwd();
    const absolute = args.map((word) => (word === "dist/muster.js" ? join(root, word) : word));
    await runProgram("bash", ["-c", 'cd "$1"; shift; exec "$@"', "bash", directory, program, ...absolute], {
      env: { MUSTER_DATA: place.data, MUSTER_HTTP_PORT: String(place.http) },
    });
    must(
      tokens.every((token) => token === "none"),
      "the administrator's token went to where a muster.toml in the current directory points",
    );
  } finally {
    await new Promise((resolve) => thief.close(resolve));
  }
}

/** The socket of own metrics is removed before it is made anew: anything else at that path is not the agent's to remove. */
async function socketPath(place: Place): Promise<void> {
  const file = join(place.directory, "precious");
  await writeFile(file, "precious");
  const [program, args] = musterProgram(["agent"]);
  // It ends by itself, or when the time is over: nothing listens where it connects to.
  await runProgram("timeout", ["2", program, ...args], {
    env: {
      MUSTER_DATA: join(place.directory, "other-agent"),
      MUSTER_DEVICE: "other",
      MUSTER_METRICS_SOCKET: file,
      MUSTER_MQTT_URL: "mqtt://other:secret@127.0.0.1:1",
    },
  });
  const left = await stat(file).catch(() => undefined);
  must(left?.isFile() === true, "MUSTER_METRICS_SOCKET at a regular file has deleted it");
}

async function readable(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    const kept = await stat(path).catch(() => undefined);
    // Mosquitto's own process id, which it writes for everybody: no secret.
    if (entry.name === "mosquitto.pid") continue;
    if (kept?.isFile() && (kept.mode & 0o077) !== 0) found.push(path.slice(directory.length + 1));
  }
  return found;
}
