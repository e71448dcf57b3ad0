import { systemClock, type Clock } from "#shared/clock";
import { silentLog, type Log } from "#shared/log";
import { Authority } from "../tls/authority.ts";
import { bundlePath, tlsDirectory } from "../tls/paths.ts";
import { ServerCertificate } from "../tls/server-certificate.ts";
import type { Scope } from "./suite.ts";

interface TlsOptions {
  /** The data directory; one of its own by default. */
  readonly data?: string;
  readonly names?: () => readonly string[];
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A private authority and a server's certificate of it for loopback. */
export async function startTls(
  scope: Scope,
  { data, names = () => ["localhost", "127.0.0.1"], clock = systemClock, log = silentLog }: TlsOptions = {},
) {
  const at = data ?? (await scope.directory());
  const common = { directory: tlsDirectory(at), clock, log };
  const authority = new Authority(common);
  await authority.start();
  scope.cleanup(() => authority.stop());
  const identity = new ServerCertificate({ ...common, authority, names });
  await identity.start();
  scope.cleanup(() => identity.stop());
  return { authority, identity, data: at, cafile: bundlePath(at) };
}
