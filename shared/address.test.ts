import * as assert from "uvu/assert";
import { consoleHere, brokerHere, isLoopbackHost, parseBrokerUrl } from "#shared/address";
import { loadSettings } from "#shared/settings/load-settings";
import { suite } from "../test/suite.ts";

/** A broker's URL, what it comes to, and where it leads: protocol, host, port, path, user, password. */
const brokers: [given: string, url: string, ...parts: (string | number | undefined)[]][] = [
  ["mqtt://host", "mqtt://host", "mqtt", "host", undefined, "", "", ""],
  ["mqtt://host/", "mqtt://host", "mqtt", "host", undefined, "", "", ""],
  ["mqtt://host:1884", "mqtt://host:1884", "mqtt", "host", 1_884, "", "", ""],
  ["MQTTS://Host.example:8883", "mqtts://Host.example:8883", "mqtts", "Host.example", 8_883, "", "", ""],
  ["mqtt://192.168.1.5:80", "mqtt://192.168.1.5:80", "mqtt", "192.168.1.5", 80, "", "", ""],
  ["mqtt://[::1]", "mqtt://[::1]", "mqtt", "::1", undefined, "", "", ""],
  ["mqtt://ann:x@[2001:db8::1]:1884", "mqtt://[2001:db8::1]:1884", "mqtt", "2001:db8::1", 1_884, "", "ann", "x"],
  ["mqtt://tür.example", "mqtt://xn--tr-xka.example", "mqtt", "xn--tr-xka.example", undefined, "", "", ""],
  ["mqtt://host?clientId=other", "mqtt://host", "mqtt", "host", undefined, "", "", ""],
  ["ws://host", "ws://host/mqtt", "ws", "host", undefined, "/mqtt", "", ""],
  ["ws://host/", "ws://host/mqtt", "ws", "host", undefined, "/mqtt", "", ""],
  ["ws://host:8080/broker/ws?x=1", "ws://host:8080/broker/ws?x=1", "ws", "host", 8_080, "/broker/ws?x=1", "", ""],
  ["ws://[::1]:9001/mqtt", "ws://[::1]:9001/mqtt", "ws", "::1", 9_001, "/mqtt", "", ""],
  [
    "wss://ann:p@tür.example",
    "wss://xn--tr-xka.example/mqtt",
    "wss",
    "xn--tr-xka.example",
    undefined,
    "/mqtt",
    "ann",
    "p",
  ],
  ["mqtt://rpi-7:a%25b%40c%3A%C3%BC@h", "mqtt://h", "mqtt", "h", undefined, "", "rpi-7", "a%b@c:ü"],
  ["mqtt://ann:a:b@h", "mqtt://h", "mqtt", "h", undefined, "", "ann", "a:b"],
  ["mqtt://ann@h", "mqtt://h", "mqtt", "h", undefined, "", "ann", ""],
];

/** Settings that are not taken, and a part of the sentence that says why. */
const refused: [variable: string, text: string, why: RegExp][] = [
  ["MUSTER_MQTT_URL", "mqtt://ann:100%secret@host", /its password has a % that begins no %XX code \(write %25/],
  ["MUSTER_MQTT_URL", "mqtt://an%n:secret@host", /its user name has a %/],
  ["MUSTER_MQTT_URL", "mqtt://ann:%ff@host", /its password has a %/],
  ["MUSTER_MQTT_URL", "mqtt://", /expected a URL such as mqtt:/],
  ["MUSTER_MQTT_URL", "mqtt:host", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "host:1883", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "::1", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "mqtt://::1", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "mqtt://[fe80::1%eth0]", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "mqtt://host:70000", /expected a URL such as/],
  ["MUSTER_MQTT_URL", "mqtt://host:0", /port from 1 to 65535/],
  ["MUSTER_MQTT_URL", "http://host", /expected a URL such as mqtt:/],
  ["MUSTER_INFLUX_URL", "host:8086/db", /expected a URL such as http:/],
  ["MUSTER_INFLUX_URL", "http://[::1/db", /expected a URL such as http:/],
  ["MUSTER_URL", "console:3000", /expected a URL such as/],
  ["MUSTER_URL", "http://::1:3000", /expected a URL such as/],
  ["MUSTER_URL", "http://ann:secret@host", /expected no login.*MUSTER_TOKEN/],
  ["MUSTER_LISTEN", "127.0.0.1:1883", /without a port/],
  ["MUSTER_LISTEN", "[::1]:1883", /without a port/],
  ["MUSTER_LISTEN", "mqtt://host", /without a port/],
  ["MUSTER_LISTEN", "*", /expected an address or a name/],
  ["MUSTER_LISTEN", "::1::", /expected an address or a name/],
];

/** What is listened on, and how programs of the same machine reach it there. */
const listened: [text: string, listen: string, broker: string, page: string, loopback: boolean][] = [
  ["127.0.0.1", "127.0.0.1", "mqtt://127.0.0.1:1883", "http://127.0.0.1:3000", true],
  ["127.0.0.2", "127.0.0.2", "mqtt://127.0.0.2:1883", "http://127.0.0.2:3000", true],
  ["localhost", "localhost", "mqtt://localhost:1883", "http://localhost:3000", true],
  ["::1", "::1", "mqtt://[::1]:1883", "http://[::1]:3000", true],
  ["[::1]", "::1", "mqtt://[::1]:1883", "http://[::1]:3000", true],
  ["0.0.0.0", "0.0.0.0", "mqtt://127.0.0.1:1883", "http://127.0.0.1:3000", false],
  ["::", "::", "mqtt://127.0.0.1:1883", "http://[::1]:3000", false],
  ["192.168.1.5", "192.168.1.5", "mqtt://127.0.0.1:1883", "https://192.168.1.5:3000", false],
  ["2001:db8::1", "2001:db8::1", "mqtt://127.0.0.1:1883", "https://[2001:db8::1]:3000", false],
  ["127.evil.example", "127.evil.example", "mqtt://127.0.0.1:1883", "https://127.evil.example:3000", false],
];

suite("addresses", ({ test }) => {
  test("a broker's URL: with and without port, path, login and escapes; IPv4, IPv6 and names", () => {
    for (const [given, url, ...parts] of brokers) {
      const address = parseBrokerUrl(given);
      const { protocol, host, port, path, username, password } = address;
      assert.equal([address.url, protocol, host, port, path, username, password], [url, ...parts], given);
      assert.is(parseBrokerUrl(address.url).url, url, `${url} stays as it is`);
      assert.is(loadSettings({ env: { MUSTER_MQTT_URL: given } }).values.mqttUrl, given);
    }
  });

  test("what cannot be meant is refused with a sentence, which tells no password", () => {
    for (const [variable, text, why] of refused) {
      let told = "";
      try {
        loadSettings({ env: { [variable]: text } });
      } catch (error) {
        told = String(error);
      }
      assert.match(told, new RegExp(`${variable} is `), text);
      assert.match(told, why, text);
      assert.not.match(told, "secret", text);
    }
  });

  test("what is listened on: how it is reached from here, and whether it is open to others", () => {
    for (const [text, listen, broker, page, loopback] of listened) {
      const { values } = loadSettings({ env: { MUSTER_LISTEN: text } });
      assert.is(values.listen, listen);
      assert.is(brokerHere(values), broker, text);
      assert.is(consoleHere(values), page, text);
      const plain = { ...values, insecurePlaintext: true };
      assert.match(brokerHere(plain), consoleHere(plain).replace("http", "mqtt").replace(":3000", ""), text);
      assert.is(isLoopbackHost(values.listen), loopback, text);
    }
  });

  test("the console's URL: with a path before a proxy, without what stands behind it", () => {
    for (const [text, url] of [
      ["http://host", "http://host"],
      ["http://host:3000/", "http://host:3000"],
      ["https://[2001:db8::1]:8443/muster/", "https://[2001:db8::1]:8443/muster"],
      ["http://host/#/devices", "http://host"],
      ["http://host/?a=1", "http://host"],
    ])
      assert.is(loadSettings({ env: { MUSTER_URL: text } }).values.url, url);
  });
});
