import { X509Certificate } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as assert from "uvu/assert";
import { BadInputError } from "#shared/errors";
import { reloadMosquitto } from "../broker/mosquitto-reload.ts";
import { renewMosquittoTls } from "../broker/mosquitto-tls.ts";
import { maxNamed, toTlsDocument } from "../console/http/routes/serve-tls.ts";
import { brokerKinds, startFleet } from "./fleet.ts";
import { runProgram } from "./programs.ts";
import { eventually, suite } from "./suite.ts";
import { startTls } from "./tls.ts";

suite("a rotation as it leaves the console", ({ test }) => {
  test("so many agents that lack the next authority are named, and all are counted", () => {
    const facts = { fingerprint: "", name: "", until: 0 };
    const lacking = Array.from({ length: maxNamed + 1 }, (_, n) => `rpi-${n}`);
    const document = toTlsDocument({ present: facts, next: undefined, bundle: "", have: 0, silent: 0, lacking });
    assert.is(document.lacking.length, maxNamed);
    assert.is(document.lackingCount, maxNamed + 1);
  });
});

for (const kind of brokerKinds)
  suite(`TLS over ${kind}: rotation of the CA`, ({ test }) => {
    test("it reaches every agent before the old one ends, also one that was away", async (scope) => {
      const tls = await startTls(scope);
      const { authority, identity } = tls;
      const old = authority.caBundle();
      const fleet = await startFleet(scope, kind, { authority }, { identity, bundle: old });
      const { console, mosquitto } = fleet;
      if (mosquitto !== undefined)
        scope.cleanup(
          identity.changes.on(() => {
            renewMosquittoTls(mosquitto, { identity: identity.current(), bundle: authority.caBundle() });
            reloadMosquitto(mosquitto);
          }),
        );
      const directories = { "rpi-7": await scope.directory(), "rpi-8": await scope.directory() };
      const secure = (device: keyof typeof directories) =>
        ({ url: fleet.tlsUrl, ca: old, directory: join(directories[device], "agent") }) as const;
      await fleet.agent("rpi-7", secure("rpi-7"));
      const away = await fleet.agent("rpi-8", secure("rpi-8"));
      await eventually("both trust the present one", () => console.rotation.state.have === 2);
      await away.stop();
      await fleet.sees("rpi-8", false);

      await console.rotation.rotate();
      const next = authority.next?.fingerprint ?? "";
      await eventually("rpi-7 trusts both", () => console.registry.get("rpi-7")?.trusts?.includes(next));
      assert.equal(console.rotation.state.lacking, ["rpi-8"]);
      assert.throws(
        () => console.rotation.finish(),
        (error: Error) => error instanceof BadInputError && error.message.includes("rpi-8"),
      );

      const back = await fleet.agent("rpi-8", secure("rpi-8"));
      await eventually("rpi-8 trusts both", () => console.rotation.state.lacking.length === 0);
      console.rotation.finish();
      await eventually("a certificate of the new one", () => identity.certificate.issuer === authorityName(authority));
      // What is connected goes on; the agents let go of the old one.
      await eventually("they trust the new one alone", () =>
        (["rpi-7", "rpi-8"] as const).every((id) => String(console.registry.get(id)?.trusts) === next),
      );
      await back.stop();
      await fleet.sees("rpi-8", false);
      await fleet.agent("rpi-8", secure("rpi-8"));

      const [port = ""] = fleet.tlsUrl.split(":").slice(-1);
      const who = ["-h", "127.0.0.1", "-p", port, "-u", "rpi-7", "-P", fleet.secretOf("rpi-7"), "-i", "tool"];
      const stale = join(await scope.directory(), "ca.crt");
      await writeFile(stale, old);
      const sent = ["-t", "muster/rpi-7/metrics/room", "-m", "21"];
      assert.is.not((await runProgram("mosquitto_pub", [...who, "--cafile", stale, ...sent])).code, 0);
    });
  });

function authorityName({ signing }: { readonly signing: { readonly cert: string } }): string {
  return new X509Certificate(signing.cert).subject;
}
