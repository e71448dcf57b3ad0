import * as assert from "uvu/assert";
import { parseDeviceId } from "#shared/ids";
import { suite } from "../../test/suite.ts";
import type { Device } from "../devices/device.ts";
import { assertKnownNames, matches, parseWhere } from "./where.ts";

const device: Device = {
  id: parseDeviceId("lab-7.b"),
  online: true,
  since: 0,
  lastSeen: 0,
  reason: null,
  boot: "b",
  session: "s",
  agent: "1.2.0",
  interval: 1_000,
  paused: false,
  facts: { os: "Linux", cores: 4, virtual: false, cpu: "ARM, v8" },
  commands: null,
  problem: null,
  skew: null,
};

suite("conditions on devices", ({ test }) => {
  const cases: readonly (readonly [where: string, fits: boolean])[] = [
    ["os=linux", true],
    ["os=LINUX", true],
    ["os = linux , cores = 4", true],
    ["os!=linux", false],
    ["os=linux,cores=8", false],
    ["cores!=8", true],
    ["virtual=false", true],
    ["model=x", false],
    ["model!=x", true],
    ["toString=x", false],
    ["id=lab-7.b", true],
    ["id=lab-7xb", false],
    ["id=lab-*", true],
    ["id=*b", true],
    ["id=*-7*", true],
    ["id=*******************x", false],
    ["id=lab*lab*", false],
    ["id=lab-7.b*b", false],
    ["id=l*-*.*", true],
    ["id=*", true],
    ["id!=lab-*", false],
    ["id=LAB-*", true],
    ["online=true", true],
    ["online=FALSE", false],
    ["online!=false", true],
    ["agent=1.2.0", true],
    ["agent=1.2", false],
  ];
  for (const [where, fits] of cases)
    test(`${where} ${fits ? "fits" : "does not fit"}`, () => assert.is(matches(device, parseWhere(where)), fits));

  test("what is no condition is told with what would be one", () => {
    for (const where of ["", " ", "os", "os=", "=linux", "os>linux", "os==linux", "os=linux,", "os~=lin", "online=yes"])
      assert.throws(
        () => parseWhere(where),
        (error: Error) => error.name === "BadInputError" && /expected/.test(error.message),
        where,
      );
  });

  test("a name that no device tells is a slip of the pen, not an empty or a full selection", () => {
    assert.throws(
      () => assertKnownNames(parseWhere("so!=linux"), [device]),
      /no device tells "so"; there are agent, cores, cpu, id, online, os, virtual/,
    );
    assertKnownNames(parseWhere("os=linux,id=*,agent=1,online=true"), [device]);
  });
});
