import type { Socket } from "node:net";
import type { Clock } from "#shared/clock";
import { asError, BadInputError } from "#shared/errors";
import type { SafetyNet } from "#shared/safety-net";
import type { Intake } from "./intake.ts";
import { maxProtocolLineLength, readLine, tooLong } from "./protocol-line.ts";

export interface ProgramConnectionOptions {
  readonly intake: Intake;
  readonly clock: Clock;
  readonly net: SafetyNet;
  /** Told of each line that was refused, with the sentence that its sender gets. */
  readonly refused: (why: string) => void;
  /** The connection is over and everything that it brought is taken. */
  readonly ended: () => void;
}

/** Bytes of answers that may wait for a program that does not read them. */
const maxUnreadBytes = 64 * 1024;

/**
 * One program at the socket. Lines are taken as long as there is room, then the connection is paused, so that its program waits
 * rather than loses; a line that is refused is answered with the reason.
 */
export class ProgramConnection {
  readonly #socket: Socket;
  readonly #options: ProgramConnectionOptions;
  #text = "";
  #lines = 0;
  /** Inside a line that was too long. */
  #skipping = false;
  #over = false;
  #forget: (() => void) | undefined;

  constructor(socket: Socket, options: ProgramConnectionOptions) {
    this.#socket = socket;
    this.#options = options;
  }

  start(): void {
    const guard = <A extends unknown[]>(run: (...parameters: A) => void): ((...parameters: A) => void) =>
      this.#options.net.guard("agent: a program's lines", run, () => this.#socket.destroy());
    this.#socket.setEncoding("utf8").on(
      "data",
      guard((chunk: string) => {
        this.#text += chunk;
        this.#drain();
      }),
    );
    this.#socket.on(
      "end",
      guard(() => this.#end("whole")),
    );
    // A program that was killed may reset its connection: the lines that it has finished count.
    this.#socket.on("error", () => {});
    this.#socket.on(
      "close",
      guard(() => this.#end("torn")),
    );
  }

  /** Takes the lines that have come and for which there is room, and lets go. */
  stop(): void {
    this.#end("torn");
    this.#forget?.();
    this.#socket.destroy();
  }

  /** The half of a line that was cut off could be read as another number. */
  #end(last: "whole" | "torn"): void {
    if (this.#over) return;
    this.#over = true;
    if (last === "torn") this.#text = this.#text.slice(0, this.#text.lastIndexOf("\n") + 1);
    this.#drain();
  }

  #drain(): void {
    const { intake } = this.#options;
    this.#forget?.();
    this.#forget = undefined;
    let from = 0;
    for (let end = this.#text.indexOf("\n"); end >= 0 && intake.room > 0; end = this.#text.indexOf("\n", from)) {
      this.#line(this.#text.slice(from, end));
      from = end + 1;
    }
    this.#text = this.#text.slice(from);
    if (intake.room === 0) this.#wait();
    else if (this.#over) this.#close();
    else this.#cut();
  }

  #wait(): void {
    this.#socket.pause();
    this.#forget = this.#options.intake.whenRoom(() => {
      this.#drain();
      if (this.#forget === undefined) this.#socket.resume();
    });
  }

  /** A line without an end must not fill the memory. */
  #cut(): void {
    if (this.#text.length <= maxProtocolLineLength) return;
    if (!this.#skipping) this.#refuse(tooLong());
    this.#skipping = true;
    this.#text = "";
  }

  #close(): void {
    if (this.#text) this.#line(this.#text);
    this.#text = "";
    this.#socket.end();
    this.#options.ended();
  }

  #line(line: string): void {
    this.#lines += 1;
    if (this.#skipping) {
      this.#skipping = false;
      return;
    }
    try {
      const read = readLine(line, this.#options.clock.now());
      if (read) this.#options.intake.add(read.sample);
      if (read?.odd !== undefined) this.#refuse(new BadInputError(read.odd), this.#lines);
    } catch (thrown) {
      this.#refuse(asError(thrown), this.#lines);
    }
  }

  #refuse({ message }: Error, line = this.#lines + 1): void {
    this.#options.refused(message);
    if (this.#socket.writable && this.#socket.writableLength < maxUnreadBytes)
      this.#socket.write(`error in line ${line}: ${message.replaceAll("\n", " ")}\n`);
  }
}
