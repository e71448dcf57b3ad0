import type { AuthenticateError, Client, ConnectPacket } from "aedes";
import type { Log } from "#shared/log";
import { asError } from "#shared/errors";
import { quoted } from "#shared/printable";
import { LoginsBusyError, type LoginSource } from "#shared/login-throttle";
import type { Principal } from "#shared/principal";
import type { ShownCertificate } from "#shared/tls-door";
import type { Access } from "./access.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionTable } from "./connection-table.ts";
import type { Limits } from "./limits.ts";
import type { Sessions } from "./sessions.ts";

/** Who a name with a secret is; undefined where the two do not belong together. @throws LoginsBusyError where nobody had time to look */
export type Authenticate = (name: string, secret: Buffer, source: LoginSource) => Promise<Principal | undefined>;

/** Who a certificate of the devices' authority lets in; or why nobody. */
export type AuthenticateCertificate = (shown: Pick<ShownCertificate, "name" | "serial">) => Principal | string;

/** Is told who was let in, and from which address. */
export type LetIn = (who: Principal, address: string) => void;

/** Somebody who was not let in. */
export interface TurnedAway {
  /** The user name, as it was given; nobody has shown that it is his. */
  readonly name: string | undefined;
  readonly address: string;
  readonly why: string;
  /** Whether the secret is not the one that belongs to the name, if there is such a name. */
  readonly isWrongSecret: boolean;
}

export interface AuthenticatorOptions {
  readonly authenticate: Authenticate;
  readonly authenticateCertificate?: AuthenticateCertificate | undefined;
  readonly access: Access;
  readonly sessions: Sessions;
  readonly log: Log;
  readonly limits: Limits;
  readonly connections: ConnectionTable;
  readonly letIn?: LetIn | undefined;
  /** Is told of each. */
  readonly turnedAway?: ((who: TurnedAway) => void) | undefined;
}

/** CONNACK return codes (MQTT 3.1.1 §3.2.2.3). */
const code = { identifierRejected: 2, unavailable: 3, badLogin: 4, notAuthorized: 5 } as const;

class Refused extends Error implements AuthenticateError {
  constructor(
    readonly returnCode: AuthenticateError["returnCode"],
    message: string,
    readonly isWrongSecret = false,
  ) {
    super(message);
  }
}

/** Decides on each CONNECT: who it is, and whether this name may have this client id and this will. */
export class Authenticator {
  readonly #options: AuthenticatorOptions;
  /** Logins that failed. */
  failed = 0;

  constructor(options: AuthenticatorOptions) {
    this.#options = options;
  }

  /** Notes what Aedes does not keep of a CONNECT packet, and grants no keep-alive longer than the limit, nor none at all. */
  note(connection: Connection, packet: ConnectPacket): void {
    connection.named = packet.clientId !== "";
    connection.clean = packet.clean ?? true;
    const longest = this.#options.limits.keepalive;
    if (!packet.keepalive || packet.keepalive > longest) packet.keepalive = longest;
  }

  /** @throws Refused with a CONNACK code */
  async admit(
    connection: Connection,
    client: Client,
    name: string | undefined,
    secret: Buffer | undefined,
  ): Promise<void> {
    try {
      await this.#admit(connection, client, name, secret);
    } catch (error) {
      if (error instanceof Refused)
        this.#options.turnedAway?.({
          name: name ?? connection.certificate?.name,
          address: connection.address,
          why: error.message,
          isWrongSecret: error.isWrongSecret,
        });
      throw error;
    }
  }

  async #admit(
    connection: Connection,
    client: Client,
    name: string | undefined,
    secret: Buffer | undefined,
  ): Promise<void> {
    if (!connection.named && !connection.clean) {
      throw new Refused(code.identifierRejected, "an empty client id needs a clean session [MQTT-3.1.3-8]");
    }
    const principal = await this.#identify(connection, name, secret);
    this.#assertClientId(principal, client.id, connection.named);
    this.#assertRoom(principal, client.id);
    const will = connection.willTopic;
    if (will !== undefined && !this.#options.access.mayPublish(principal, will)) {
      throw new Refused(code.notAuthorized, `${quoted(principal.name)} may not leave a will on ${quoted(will)}`);
    }
    connection.principal = principal;
    this.#options.letIn?.(principal, connection.address);
  }

  async #identify(connection: Connection, name: string | undefined, secret: Buffer | undefined): Promise<Principal> {
    const { authenticate, log } = this.#options;
    const { certificate } = connection;
    // Somebody else's certificate is none to us, and no reason to keep a name with its secret out.
    if (certificate && (certificate.fault === undefined || !secret)) return this.#certified(certificate, name);
    if (!name || !secret) throw new Refused(code.badLogin, "nobody comes in without a user name and a password");
    let principal: Principal | undefined;
    try {
      principal = await authenticate(name, secret, {
        address: connection.address,
        gone: () => connection.client.closed,
      });
    } catch (error) {
      // Agents and consoles come again by themselves after this code, and take the others for a wrong secret.
      if (error instanceof LoginsBusyError) throw new Refused(code.unavailable, error.message);
      log.error({ name, err: asError(error) }, "a login could not be checked");
      throw new Refused(code.unavailable, "the login could not be checked");
    }
    if (principal) return principal;
    this.failed += 1;
    throw new Refused(code.badLogin, `wrong user name or password for ${quoted(name)}`, true);
  }

  /** @param name as CONNECT says it; it need not */
  #certified(certificate: ShownCertificate, name: string | undefined): Principal {
    const found = this.#ofCertificate(certificate, name);
    if (typeof found !== "string") return found;
    this.failed += 1;
    throw new Refused(code.notAuthorized, found);
  }

  #ofCertificate({ fault, ...shown }: ShownCertificate, name: string | undefined): Principal | string {
    if (fault !== undefined) return faultSentence(shown.name, fault);
    if (name && name !== shown.name)
      return `the certificate of ${quoted(shown.name)} came with the user name ${quoted(name)}: expected the same, or none`;
    return this.#options.authenticateCertificate?.(shown) ?? "certificates let nobody in here";
  }

  /** One's own client id is taken over, which makes no connection more. */
  #assertRoom({ name }: Principal, id: string): void {
    const { connections, limits } = this.#options;
    if (connections.live(id) || connections.connectionsOf(name) < limits.connectionsOfUser) return;
    throw new Refused(code.unavailable, `${quoted(name)} has ${limits.connectionsOfUser} connections already`);
  }

  /**
   * A device goes by its own name; a console by its own, or by that with `-` and letters of its choice. Anybody else may choose a client id, but not one under which another user is
   * connected or has a session; who bears the id as a name always gets it.
   */
  #assertClientId({ name, role }: Principal, id: string, named: boolean): void {
    const fits = id === name || (role === "console" && id.startsWith(`${name}-`));
    if ((role === "device" || role === "console") && !(named && fits)) {
      throw new Refused(
        code.identifierRejected,
        `the client id of ${role} ${quoted(name)} has to be its name, not ${quoted(id)} (with mosquitto_pub: -i ${name})`,
      );
    }
    const { connections, sessions } = this.#options;
    const owner = connections.live(id)?.principal?.name ?? sessions.ownerOf(id);
    if (owner === undefined || owner === name) return;
    if (id === name) sessions.end(id);
    else {
      throw new Refused(code.identifierRejected, `client id ${quoted(id)} belongs to another user`);
    }
  }
}

/** Why a certificate is not believed, and what to do. */
function faultSentence(name: string, fault: string): string {
  if (fault === "CERT_HAS_EXPIRED")
    return `the certificate of ${quoted(name)} is over by this machine's clock: if that is right, enrol the device again (muster enroll NAME --again --certificate)`;
  if (fault === "CERT_NOT_YET_VALID")
    return `the certificate of ${quoted(name)} is not valid yet by this machine's clock, which is perhaps wrong`;
  if (fault === "INVALID_PURPOSE") return `the certificate of ${quoted(name)} is none for clients`;
  return `the certificate of ${quoted(name)} is not of this Muster's authority for devices (${quoted(fault)})`;
}
