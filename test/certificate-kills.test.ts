import * as assert from "uvu/assert";
import { ManualClock } from "#shared/clock";
import { BadInputError } from "#shared/errors";
import type { DeviceId } from "#shared/ids";
import { checkKey, maxKeyCharacters, maxProofCharacters, proveKey, provenKey } from "#shared/key-proof";
import { silentLog } from "#shared/log";
import { maxCertificateText, toldCertificate, type ToldCertificate } from "#shared/messages/certificate-messages";
import { KeptCertificates } from "../agent/certificate/kept-certificates.ts";
import { renewalOf } from "../console/certificates/certificate.ts";
import { Certifying, maxCertificatesADay } from "../console/certificates/certifying.ts";
import { openState, type State } from "../console/state/state.ts";
import { DeviceAuthority } from "../tls/device-authority.ts";
import { suite, type Scope } from "./suite.ts";

const device = "rpi-7" as DeviceId;
const life = 90 * 86_400_000;

/** A console's books, and what it issues. */
async function startBooks(scope: Scope, clock = new ManualClock()) {
  const directory = await scope.directory();
  const state = openState(directory, clock);
  scope.cleanup(() => state.close());
  const authority = new DeviceAuthority({ directory: `${directory}/tls`, clock, log: silentLog });
  await authority.start();
  scope.cleanup(() => authority.stop());
  state.accounts.putDevice(device, "$7$101$AAAAAAAAAAAAAAAA$" + "A".repeat(86) + "==", true);
  return { clock, state, certifying: new Certifying({ ...state, clock, authority, life }) };
}

/** Of a certificate's life, after which it is time to renew it. */
const untilDue = life * 0.7;

/** One that has connected by its first certificate. */
async function enrolled(scope: Scope, { state, certifying }: { state: State; certifying: Certifying }) {
  const directory = await scope.directory();
  const kept = open(directory);
  kept.accept(await certifying.joined(device, checkKey("m", proveKey("m", kept.prepare())), "127.0.0.1"));
  assert.ok(logsIn(state, kept));
  kept.connected();
  return { directory, kept };
}

function open(directory: string): KeptCertificates {
  const kept = new KeptCertificates({ directory });
  kept.start();
  return kept;
}

/** As Muster's broker does, by the serial number of what is shown; and as Mosquitto, by what it is told of those that have ended. */
function logsIn({ certificates }: State, kept: KeptCertificates): boolean {
  kept.show();
  const serial = kept.serial ?? "";
  const isIn = typeof certificates.letIn({ name: device, serial }) !== "string";
  assert.is(!certificates.endedSerials().includes(serial) && !certificates.shutOut().includes(device), isIn);
  return isIn;
}

suite("a renewal of a certificate", ({ test }) => {
  test("leaves a good identity behind whatever step a kill comes after, and comes to its end from there", async (scope) => {
    const books = await startBooks(scope);
    const { clock, state, certifying } = books;
    const steps = ["nothing", "the key", "the request", "the certificate", "the login", "the promotion", "the birth"];
    for (const [last, step] of steps.entries()) {
      const { directory, kept } = await enrolled(scope, books);
      clock.advance(untilDue);
      let told: ToldCertificate | undefined;
      const acts: (() => unknown)[] = [
        () => kept.prepare(),
        async () => (told = await certifying.renewed(device, proveKey(device, kept.prepare()))),
        () => told && kept.accept(told),
        () => assert.ok(logsIn(state, kept), step),
        () => kept.connected(),
        () => state.certificates.confirm(device, kept.serial ?? ""),
      ];
      for (const act of acts.slice(0, last)) await act();

      const next = open(directory);
      if (!logsIn(state, next)) {
        next.failed();
        assert.ok(logsIn(state, next), `after ${step} nothing lets it in`);
      }
      next.connected();
      state.certificates.confirm(device, next.serial ?? "");
      const before = next.serial;
      const present = state.certificates.present(device);
      if (present && renewalOf(present) > clock.now()) clock.advance(untilDue);
      next.accept(await certifying.renewed(device, proveKey(device, next.prepare())));
      assert.ok(logsIn(state, next), step);
      next.connected();
      assert.ok(state.certificates.confirm(device, next.serial ?? ""), step);
      assert.is.not(next.serial, before);
      assert.is(state.certificates.find(before ?? "")?.state, "replaced", step);
      assert.is(state.certificates.present(device)?.serial, next.serial, step);
      state.accounts.putDevice(device, "$7$101$AAAAAAAAAAAAAAAA$" + String(last).repeat(86) + "==", true);
      assert.not(logsIn(state, next), "another secret ends it");
    }
  });

  test("of two certificates the one that is not let in makes way for the other, also where that is the newer one", async (scope) => {
    const { clock, state, certifying } = await startBooks(scope);
    const { kept } = await enrolled(scope, { state, certifying });
    clock.advance(untilDue);
    kept.accept(await certifying.renewed(device, proveKey(device, kept.prepare())));
    kept.show();
    kept.failed();
    assert.ok(logsIn(state, kept));
    kept.connected();
    assert.ok(kept.isBehind);
    kept.retry();
    assert.ok(logsIn(state, kept));
    kept.connected();
    assert.not(kept.isBehind);
  });

  test("is asked for when two thirds of the life are over, at chance within a quarter of the rest", async (scope) => {
    const { certifying } = await startBooks(scope);
    const moments = await Promise.all(
      [0, 0.999].map(async (chance) => {
        const kept = new KeptCertificates({ directory: await scope.directory(), random: () => chance });
        kept.accept(await certifying.joined(device, checkKey("m", proveKey("m", kept.prepare())), "127.0.0.1"));
        kept.show();
        kept.connected();
        const begun = (kept.expires ?? 0) - life;
        return [0.66, 0.67, 0.74, 0.76].map((part) => kept.isDue(begun + part * life));
      }),
    );
    assert.equal(moments, [
      [false, true, true, true],
      [false, false, false, true],
    ]);
  });

  test("is had by nobody before it is due: a connection may outlast its certificate by a while", async (scope) => {
    const { clock, state, certifying } = await startBooks(scope);
    const { kept: stolen } = await enrolled(scope, { state, certifying });
    clock.advance(untilDue);
    state.accounts.putDevice(device, `$7$101$AAAAAAAAAAAAAAAA$${"B".repeat(86)}==`, true);
    await enrolled(scope, { state, certifying });
    const serial = state.certificates.present(device)?.serial;
    const asked = certifying.renewed(device, proveKey(device, stolen.prepare()));
    assert.match(await asked.then(String, String), /rpi-7 is not due before 20\d\d-/);
    assert.is(state.certificates.present(device)?.serial, serial);
  });

  test("a key is asked for by who has it, for itself, and is of the one kind", async (scope) => {
    const { certifying } = await startBooks(scope);
    const kept = open(await scope.directory());
    const right = proveKey(device, kept.prepare());
    const foreign = proveKey("rpi-8", kept.prepare());
    const { generateKeyPairSync } = await import("node:crypto");
    const other = proveKey(device, generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey);
    const cases: [object, RegExp][] = [
      [{ ...right, proof: foreign.proof }, /the proof is not that of the key/],
      [{ ...right, key: "AAAA" }, /does not read/],
      [other, /another kind/],
    ];
    for (const [asked, why] of cases)
      assert.match(await certifying.renewed(device, asked as never).then(String, String), why);
    assert.match(await certifying.renewed(device, right).then(String, String), /no certificate that is good/);
    const sized = (key: number, proof: number) =>
      provenKey.safeParse({ key: "A".repeat(key), proof: "A".repeat(proof) }).success;
    assert.equal(
      [sized(maxKeyCharacters, maxProofCharacters), sized(maxKeyCharacters + 1, 1), sized(1, maxProofCharacters + 1)],
      [true, false, false],
    );
    const long = (size: number) => toldCertificate.safeParse({ pem: "A".repeat(size), renew: 1 }).success;
    assert.equal([long(maxCertificateText), long(maxCertificateText + 1)], [true, false]);
  });

  test(`a device is issued ${maxCertificatesADay} certificates a day, and the same one for the same key`, async (scope) => {
    const clock = new ManualClock(Date.now());
    const { certifying } = await startBooks(scope, clock);
    const issue = async (): Promise<string> => {
      const key = checkKey("m", proveKey("m", open(await scope.directory()).prepare()));
      const [one, two] = [await certifying.joined(device, key, ""), await certifying.joined(device, key, "")];
      assert.is(one.pem, two.pem);
      return one.pem;
    };
    for (let at = 0; at < maxCertificatesADay; at++) await issue();
    const refused = await issue().catch((error: unknown) => error);
    assert.instance(refused, BadInputError);
    clock.advance(86_400_001);
    await issue();
  });
});
