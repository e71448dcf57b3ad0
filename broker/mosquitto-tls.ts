import { join } from "node:path";
import { EnvironmentError } from "#shared/errors";
import type { ServerIdentity } from "#shared/tls-door";
import { makeDirectory, replaceFile } from "#disk/durable-file";

export interface MosquittoTls {
  /** Where Mosquitto finds its files. */
  readonly directory: string;
  readonly identity: ServerIdentity;
  /** The authorities that are trusted, as PEM. */
  readonly bundle: string;
  /** Where it is to listen for TLS. */
  readonly listen: string;
  readonly port: number;
  /** Where devices with a certificate come, which need a listener of their own; undefined for none. */
  readonly certificatePort?: number | undefined;
}

/** The files by which Mosquitto knows devices' certificates. */
export const certificateFiles = { authorities: "devices.crt", revoked: "revoked.pem" } as const;

/**
 * Writes what Mosquitto shows to those who come by TLS, and the lines of its settings that say so. The key and the certificate are one
 * file, so that it never reads one of them beside the other's successor. Their owner stays who it was.
 * @throws EnvironmentError where they cannot be written
 */
export function writeMosquittoTls({ directory, ...tls }: MosquittoTls): void {
  write(directory, { ...shownTo(tls), "tls.conf": renderTlsListener(directory, tls) });
}

/** The same without the settings, which stay where Mosquitto listens. @throws EnvironmentError */
export function renewMosquittoTls(directory: string, shown: Pick<MosquittoTls, "identity" | "bundle">): void {
  write(directory, shownTo(shown));
}

function shownTo({ identity, bundle }: Pick<MosquittoTls, "identity" | "bundle">): Record<string, string> {
  return { "server.pem": identity.key + identity.cert, "ca.crt": bundle };
}

function write(directory: string, files: Readonly<Record<string, string>>): void {
  try {
    makeDirectory(directory, 0o750);
    for (const [name, text] of Object.entries(files)) replaceFile(join(directory, name), text);
  } catch (cause) {
    throw new EnvironmentError(`cannot write Mosquitto's files for TLS in ${directory}`, { cause });
  }
}

/** Lines to stand behind the shipped settings, which hold for these listeners as well but for those that each has of its own. */
function renderTlsListener(
  directory: string,
  { listen, port, certificatePort }: Pick<MosquittoTls, "listen" | "port" | "certificatePort">,
): string {
  const address = listen === "0.0.0.0" || listen === "::" ? "" : ` ${listen}`;
  const listener = (at: number, authorities: string): string[] => [
    `listener ${at}${address}`,
    `cafile ${directory}/${authorities}`,
    `certfile ${directory}/server.pem`,
    `keyfile ${directory}/server.pem`,
    "tls_version tlsv1.2",
    "# Of each listener its own.",
    "use_username_as_clientid true",
  ];
  return [
    "# Written by muster mosquitto, to stand behind mosquitto.conf. The certificate is made anew in time, and Mosquitto takes it with a SIGHUP.",
    ...listener(port, "ca.crt"),
    ...(certificatePort === undefined
      ? []
      : [
          "",
          "# Devices with a certificate: its name is the user's, and no password is asked for. A listener takes these or passwords, not both.",
          ...listener(certificatePort, certificateFiles.authorities),
          `crlfile ${directory}/${certificateFiles.revoked}`,
          "require_certificate true",
          "use_identity_as_username true",
        ]),
    "",
  ].join("\n");
}
