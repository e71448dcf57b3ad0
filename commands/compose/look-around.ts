import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { maxSmallFileBytes, readRegularFile } from "#disk/regular-file";
import { inUrl } from "#shared/address";
import { asError, errorCode } from "#shared/errors";
import { noteOf, soundOf, troubleOf, type Finding } from "#shared/finding";
import { certificatesIn } from "#shared/pinned-ca";
import { certificateFinding, lookPatience as patience, reach } from "#shared/around-directory";

/** Certificates in the files of a directory. @param now epoch ms */
export function lookAtCertificates(directory: string, now: number): Finding[] {
  return filesIn(directory).flatMap((name) => {
    try {
      const text = readRegularFile(join(directory, name), maxSmallFileBytes).toString("utf8");
      return certificatesIn(text).map((one) => certificateFinding(join("tls", name), Date.parse(one.validTo), now));
    } catch {
      return [];
    }
  });
}

/** Who has a port of the console's. @param listen the address @param setting by which another one is chosen */
export async function lookAtPort(
  { listen, port, setting }: { readonly listen: string; readonly port: number; readonly setting: string },
  isOurs: (host: string) => Promise<boolean>,
): Promise<Finding> {
  const what = `port ${port}`;
  if (port === 0) return noteOf(what, "a free one is taken at the start");
  const host = listen === "0.0.0.0" || listen === "::" ? "127.0.0.1" : listen;
  if (await answers(host, port)) {
    if (await isOurs(host)) return soundOf(what, "Muster is there");
    return troubleOf(
      what,
      `another program has it: end that (ss -ltnp 'sport = :${port}' names it), or choose another with ${setting}`,
    );
  }
  const why = await whyNotTaken(listen, port);
  if (why === undefined) return noteOf(what, "nobody is there: Muster does not run, and can have it");
  if (why === "EACCES") return troubleOf(what, `this user may not have it: choose one above 1023 with ${setting}`);
  if (why === "EADDRNOTAVAIL")
    return troubleOf(what, `this machine has no address ${listen}: choose one of its own with MUSTER_LISTEN`);
  return troubleOf(what, `it cannot be had (${why}): choose another with ${setting}`);
}

/** Whether a console answers there. */
export async function isConsole(host: string, port: number): Promise<boolean> {
  try {
    const answer = await fetch(`http://${inUrl(host)}:${port}/healthz`, {
      signal: AbortSignal.timeout(patience),
      redirect: "manual",
    });
    // Beyond loopback it leads on to https.
    return answer.status === 308 || answer.status === 301 || /^\{"ok":(true|false)/.test(await answer.text());
  } catch {
    return false;
  }
}

/** Whether InfluxDB answers, and lets us write. */
export async function lookAtInflux(url: string): Promise<Finding> {
  const { origin, pathname, username, password } = new URL(url);
  const database = decodeURIComponent(pathname.slice(1)) || "muster";
  const headers =
    username === ""
      ? {}
      : {
          authorization: `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString("base64")}`,
        };
  try {
    const asked = new URL("/write", origin);
    asked.searchParams.set("db", database);
    const { status } = await fetch(asked, { method: "POST", body: "", headers, signal: AbortSignal.timeout(patience) });
    if (status === 401 || status === 403)
      return troubleOf(
        "InfluxDB",
        `${origin} does not let this user write: put the right name and password into MUSTER_INFLUX_URL`,
      );
    if (status === 404)
      return troubleOf(
        "InfluxDB",
        `${origin} has no database ${database}: a start makes it, where the user may; else influx -execute 'CREATE DATABASE "${database}"'`,
      );
    if (status >= 500)
      return troubleOf(
        "InfluxDB",
        `${origin} answers ${status}: see its log; after a full disk it has to be restarted, even with room again`,
      );
    return soundOf("InfluxDB", `${origin} answers, database ${database}`);
  } catch (thrown) {
    return troubleOf(
      "InfluxDB",
      `${origin} does not answer (${whyOf(thrown)}): start it, or put the right host into MUSTER_INFLUX_URL; samples wait meanwhile, on the devices`,
    );
  }
}

function answers(host: string, port: number): Promise<boolean> {
  return reach(host, port, undefined).then((failed) => failed === undefined);
}

function whyNotTaken(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (thrown) => resolve(errorCode(thrown) ?? thrown.message));
    server.listen(port, host, () => server.close(() => resolve(undefined)));
  });
}

function whyOf(thrown: unknown): string {
  const { cause, message } = asError(thrown);
  return errorCode(cause) ?? message;
}

function filesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(crt|pem)$/.test(name))
      .sort();
  } catch {
    return [];
  }
}
