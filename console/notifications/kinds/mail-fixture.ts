import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import { startTls } from "../../../test/tls.ts";
import type { Scope } from "../../../test/suite.ts";

interface Mail {
  readonly to: readonly string[];
  readonly secure: boolean;
  readonly text: string;
}

/** A real mail server, which demands TLS and a login where it is so told. */
export async function mailServer(scope: Scope, more: { readonly tls?: "starttls" | "tls" } = {}) {
  const { identity, cafile } = await startTls(scope);
  const { key, cert } = identity.current();
  const mails: Mail[] = [];
  /** What the server says to the next mail, in the place of taking it. */
  const script: { readonly code: number; readonly text: string; readonly at: "data" | "rcpt" }[] = [];
  const refusal = ({ code, text }: { code: number; text: string }): Error =>
    Object.assign(new Error(text), { responseCode: code });
  const server = new SMTPServer({
    key,
    cert,
    secure: more.tls === "tls",
    authOptional: more.tls === undefined,
    disabledCommands: more.tls === undefined ? ["STARTTLS", "AUTH"] : [],
    closeTimeout: 100,
    onAuth: ({ username, password }, _session, done) =>
      username === "muster" && password === "mail-secret"
        ? done(null, { user: username })
        : done(refusal({ code: 535, text: "Invalid login" })),
    onRcptTo: ({ address }, _session, done) => {
      if (script[0]?.at === "rcpt") return done(refusal(script.shift() ?? { code: 550, text: "" }));
      done(address.startsWith("nobody") ? refusal({ code: 550, text: "no such user here" }) : null);
    },
    onData: (stream, session, done) => {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      stream.on("end", () => {
        const [said] = script.splice(0, 1);
        if (said) return done(refusal(said));
        const to = session.envelope.rcptTo.map(({ address }) => address);
        mails.push({ to, secure: session.secure, text: Buffer.concat(parts).toString() });
        done(null);
      });
    },
  });
  server.on("error", () => {});
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  scope.cleanup(() => new Promise<void>((resolve) => server.close(resolve)));
  const { port } = server.server.address() as AddressInfo;
  const settings = {
    host: "127.0.0.1",
    port: String(port),
    from: "Muster <muster@example.com>",
    to: "ops@example.com",
  };
  return { mails, script, port, ca: readFileSync(cafile, "utf8"), settings };
}
