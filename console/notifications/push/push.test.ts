import { createECDH, createPublicKey, verify } from "node:crypto";
import * as assert from "uvu/assert";
import { suite } from "../../../test/suite.ts";
import { areSubscriberKeys, encryptPush, maxPushText } from "./encrypt-push.ts";
import { decryptPush, subscriber } from "./fixture.ts";
import { isPublicAddress } from "./public-address.ts";
import { newVapidKey, signedPart, vapidAuthorization, vapidKeyOf } from "./vapid.ts";

/** RFC 8291 §5 and its appendix A. */
const rfc8291 = {
  text: "When I grow up, I want to be a watermelon",
  sender: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
  keys: {
    p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
  },
  receiver: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
  salt: "DGv6ra1nlYgDCS1FRnbzlw",
  body: "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
};

/** RFC 8292 §2.4. */
const rfc8292 = {
  claims: { aud: "https://push.example.net", exp: 1_453_523_768, sub: "mailto:push@example.com" },
  signed:
    "eyJ0eXAiOiJKV1QiLCJhbGciOiJFUzI1NiJ9.eyJhdWQiOiJodHRwczovL3B1c2guZXhhbXBsZS5uZXQiLCJleHAiOjE0NTM1MjM3NjgsInN1YiI6Im1haWx0bzpwdXNoQGV4YW1wbGUuY29tIn0",
  signature: "i3CYb7t4xfxCDquptFOepC9GAu_HLGkMlMuCGSK2rpiUfnK9ojFwDXb1JrErtmysazNjjvW2L9OkSSHzvoD1oA",
  point: "BA1Hxzyi1RUM1b5wjxsn7nGxAszw2u61m164i3MrAIxHF6YK5h4SDYic-dRuU_RCPCfA5aq9ojSwk5Y2EmClBPs",
};

/** Whether a token is signed by the key of this point. */
function isSigned(signed: string, signature: string, point: string): boolean {
  const bytes = Buffer.from(point, "base64url");
  const [x, y] = [bytes.subarray(1, 33).toString("base64url"), bytes.subarray(33).toString("base64url")];
  const key = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y }, format: "jwk" });
  const raw = Buffer.from(signature, "base64url");
  return verify("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }, raw);
}

suite("push", ({ test }) => {
  test("encrypts as RFC 8291 has it, byte by byte; and what it may hold at most fits a push service", () => {
    const sender = createECDH("prime256v1");
    sender.setPrivateKey(Buffer.from(rfc8291.sender, "base64url"));
    const salt = Buffer.from(rfc8291.salt, "base64url");
    const body = encryptPush(Buffer.from(rfc8291.text), rfc8291.keys, { salt, sender });
    assert.is(body.toString("base64url"), rfc8291.body);
    const receiver = createECDH("prime256v1");
    receiver.setPrivateKey(Buffer.from(rfc8291.receiver, "base64url"));
    assert.is(decryptPush(body, receiver, rfc8291.keys.auth), rfc8291.text);

    const { keys, ecdh } = subscriber();
    const [one, other] = [0, 1].map(() => encryptPush(Buffer.alloc(maxPushText, "x"), keys));
    assert.is(one?.length, 4_096);
    assert.not.equal(one?.subarray(0, 16), other?.subarray(0, 16), "salt and key are new each time");
    assert.is(decryptPush(one!, ecdh, keys.auth), "x".repeat(maxPushText));
  });

  test("signs as RFC 8292 has it", () => {
    const { claims, signed, signature, point } = rfc8292;
    assert.is(signedPart(claims), signed);
    assert.ok(isSigned(signed, signature, point), "the RFC's own signature, looked at as ours are");
    const key = newVapidKey();
    assert.equal(vapidKeyOf(key.secret), key);
    const [, token = "", shown] = /^vapid t=(.*), k=(.*)$/.exec(vapidAuthorization(key, claims)) ?? [];
    const at = token.lastIndexOf(".");
    assert.equal([token.slice(0, at), shown], [signed, key.point]);
    assert.ok(isSigned(signed, token.slice(at + 1), key.point));
    assert.not.ok(isSigned(`${signed}x`, token.slice(at + 1), key.point));
  });

  test("keys of a subscriber are a point of the curve and 16 bytes", () => {
    const { keys } = subscriber();
    const point = Buffer.from(keys.p256dh, "base64url");
    const off = Buffer.from(point);
    off[40] = (off[40] ?? 0) ^ 1;
    const short = createECDH("prime256v1");
    short.generateKeys();
    assert.ok(areSubscriberKeys(keys));
    for (const p256dh of [
      "",
      "x",
      off.toString("base64url"),
      Buffer.alloc(65).toString("base64url"),
      point.subarray(0, 64).toString("base64url"),
      Buffer.concat([point, Buffer.from([0])]).toString("base64url"),
      short.getPublicKey("base64url", "compressed"),
    ])
      assert.not.ok(areSubscriberKeys({ ...keys, p256dh }), p256dh);
    for (const bytes of [0, 15, 17])
      assert.not.ok(areSubscriberKeys({ ...keys, auth: Buffer.alloc(bytes).toString("base64url") }), String(bytes));
  });

  test("an address on the internet is none of this machine, its networks, or those kept for something else", () => {
    for (const address of ["8.8.8.8", "142.250.1.1", "172.32.0.1", "100.128.0.1", "2a00:1450:4001::1", "2607:f8b0::1"])
      assert.ok(isPublicAddress(address), address);
    for (const address of [
      ..."0.0.0.0 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1".split(
        " ",
      ),
      ..."192.168.1.1 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255".split(" "),
      ..."::  ::1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:7f00:1 64:ff9b::7f00:1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 ff02::1".split(
        /\s+/,
      ),
      ..."2001:db8::1 2001::1 2002:7f00:1::1 ::127.0.0.1 100::1 localhost 0x7f.1 2130706433".split(" "),
    ])
      assert.not.ok(isPublicAddress(address), address);
    const of = (cidr: string, family: "IPv4" | "IPv6") => {
      const [address = ""] = cidr.split("/");
      return { address, cidr, family, netmask: "", mac: "", internal: false, scopeid: 0 };
    };
    const own = {
      eth0: [of("9.8.7.6/24", "IPv4"), of("2a00:1450:4001:1::5/64", "IPv6")],
      tun0: [of("1.2.3.4/0", "IPv4")],
    };
    for (const [address, isPublic] of [
      ["9.8.7.6", false],
      ["9.8.7.1", false],
      ["9.8.8.1", true],
      ["2a00:1450:4001:1::5", false],
      ["2a00:1450:4001:1:1::1", false],
      ["2a00:1450:4001:2::5", true],
    ] as const)
      assert.is(isPublicAddress(address, own), isPublic, address);
  });
});
