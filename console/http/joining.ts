import { createHash } from "node:crypto";
import { readRegularFile } from "#disk/regular-file";
import { inUrl, parseConsoleUrl, parseListenAddress } from "#shared/address";
import { asError, BadInputError } from "#shared/errors";
import { isLoopback } from "#shared/loopback";
import { joinLine, joinScript } from "../enrollments/join-script.ts";
import type { Admission } from "#shared/messages/join-messages";
import { HttpError } from "./problem.ts";
import { ReleaseShelf } from "./release-shelf.ts";

/** The console's certificate authority, where it has one of its own. */
export interface PinnedAuthority {
  /** All that agents are to trust, as PEM. */
  readonly bundle: string;
  /** SHA-256 of the one that signs at present, in DER, as hexadecimal digits. */
  readonly fingerprint: string;
}

/** What machines that join are told of this installation. */
export interface JoiningOptions {
  /** The agent in one file; without it there is no line to paste. */
  readonly agent?: string | undefined;
  /** Undefined where the console has none: without TLS, or with a certificate that everybody knows. */
  readonly authority?: (() => PinnedAuthority) | undefined;
  /** The broker, for who reaches the console at this host; where it takes certificates, for who has one. */
  readonly broker?: (host: string, isCertified: boolean) => string;
  /** Where other machines reach the console, when whoever makes a code does not say. */
  readonly origin?: () => string | undefined;
  readonly root?: string;
  /** The directory of a release that agents update to. */
  readonly release?: string | undefined;
}

/** Bytes of the agent's file at most: ten times what it has. */
const maxAgentBytes = 4 * 1024 * 1024;

/** The script and the agent as they are served, and the line that names them by their hashes. Read once: all three belong together. */
export class Joining {
  /** What they update to later. */
  readonly shelf: ReleaseShelf;
  readonly #options: JoiningOptions;
  #files: { readonly agent: Buffer; readonly script: string } | undefined;

  /** @param now epoch ms */
  constructor(options: JoiningOptions, now: () => number) {
    this.#options = options;
    this.shelf = new ReleaseShelf(options.release, now);
  }

  get authority(): PinnedAuthority | undefined {
    return this.#options.authority?.();
  }

  get root(): string {
    return this.#options.root ?? "muster";
  }

  /** @throws HttpError 404 where the agent was not built */
  get files(): { readonly agent: Buffer; readonly script: string } {
    return (this.#files ??= this.#read());
  }

  brokerFor(host: string, isCertified = false): string {
    return this.#options.broker?.(host, isCertified) ?? `mqtt://${inUrl(host)}:1883`;
  }

  /** What a machine is told that was let in. @param host by which it reaches the console */
  admissionOf(device: string, host: string, isCertified = false): Admission {
    const { roots } = this.shelf;
    return {
      device,
      broker: this.brokerFor(host, isCertified),
      root: this.root,
      ca: this.authority?.bundle ?? null,
      ...(roots.length === 0 ? {} : { releaseRoots: roots }),
    };
  }

  /** @param given by whoever makes the code @throws BadInputError */
  originFor(given: string | undefined, asked: string): string {
    const origin = given ?? this.#options.origin?.() ?? asked;
    try {
      return parseConsoleUrl(origin);
    } catch (cause) {
      throw new BadInputError(`origin: ${asError(cause).message}`);
    }
  }

  lineFor(origin: string, code: string): string {
    return joinLine({ origin, code, hash: digestOf(this.files.script) });
  }

  /** What to know before it is pasted. */
  noteFor(origin: string): string | null {
    if (isLoopback(origin))
      return `${origin} is this machine alone: for others start Muster with --listen 0.0.0.0, or say where they reach it`;
    if (origin.startsWith("http:"))
      return "without TLS whoever is in between can read the code and come in by it first: see that the uses are your machines";
    return null;
  }

  #read(): { agent: Buffer; script: string } {
    const { agent: path } = this.#options;
    if (path === undefined) throw new HttpError(404, "the agent's file is not here: build it with npm run build");
    const agent = readRegularFile(path, maxAgentBytes);
    return { agent, script: joinScript({ hash: digestOf(agent), bytes: agent.length }) };
  }
}

function digestOf(content: string | Buffer): string {
  return createHash("sha256").update(content).digest("hex");
}

/** The host of a Host header, as a socket takes it. */
export function hostIn(header: string): string {
  const url = `http://${header}`;
  return URL.canParse(url) ? parseListenAddress(new URL(url).hostname) : header;
}
