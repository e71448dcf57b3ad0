import * as assert from "uvu/assert";
import { suite } from "../../test/suite.ts";
import { objection, type Asked } from "./foreign.ts";

const plain: Asked = {
  method: "POST",
  path: "/api/collector/rpi-7/shutdown",
  protocol: "http",
  host: "127.0.0.1:3000",
  site: undefined,
  origin: undefined,
  scheme: undefined,
  cookie: true,
};

/** What differs from {@link plain}, and whether it passes. */
const cases: readonly (readonly [Partial<Asked>, boolean])[] = [
  [{}, false],
  [{ cookie: false }, true],
  [{ scheme: "basic" }, true],
  [{ scheme: "bearer" }, true],
  [{ site: "same-origin" }, true],
  [{ site: "none" }, true],
  [{ site: "same-site" }, false],
  [{ site: "cross-site" }, false],
  [{ site: "same-origin, cross-site" }, false],
  [{ site: "cross-site", origin: "http://127.0.0.1:3000" }, false],
  [{ site: "cross-site", scheme: "basic" }, false],
  [{ site: "cross-site", scheme: "bearer" }, true],
  [{ origin: "http://127.0.0.1:3000" }, true],
  [{ origin: "http://127.0.0.1:3001" }, false],
  [{ origin: "http://evil.example", scheme: "basic" }, false],
  [{ origin: "null" }, false],
  [{ origin: "" }, false],
  [{ origin: "//" }, false],
  [{ host: "muster.example", origin: "https://muster.example" }, true],
  [{ host: "muster.example:443", protocol: "https", origin: "https://muster.example" }, true],
  [{ host: "muster.example", protocol: "https", origin: "http://muster.example" }, false],
  [{ host: "http://[", origin: "http://127.0.0.1:3000" }, false],
  [{ method: "DELETE", site: "same-site" }, false],
  [{ method: "PUT", origin: "http://other" }, false],
  [{ method: "GET", path: "/api/devices" }, true],
  [{ method: "GET", path: "/api/devices", site: "same-origin" }, true],
  [{ method: "GET", path: "/api/devices", site: "none" }, true],
  [{ method: "GET", path: "/api/events", site: "same-site" }, false],
  [{ method: "GET", path: "/metrics", site: "cross-site" }, false],
  [{ method: "GET", path: "/healthz", site: "cross-site", cookie: false }, false],
  [{ method: "GET", path: "/api/devices", site: "cross-site", scheme: "basic" }, false],
  [{ method: "GET", path: "/", site: "cross-site" }, true],
  [{ method: "GET", path: "/devices/rpi-7", site: "cross-site" }, true],
  [{ method: "GET", path: "/", site: "cross-site", scheme: "basic" }, false],
  [{ method: "POST", path: "/", site: "cross-site", cookie: false }, false],
];

suite("foreign pages", ({ test }) => {
  test("what is refused, by what the browser says of where it comes from", () => {
    for (const [differs, passes] of cases)
      assert.is(objection({ ...plain, ...differs }) === undefined, passes, JSON.stringify(differs));
  });
});
